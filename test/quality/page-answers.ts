import { judge } from './score/judge.ts'
import type { Fact } from './score/facts.ts'

/**
 * Makes what a model without a fault would answer to a page, of the text that the PDF holds and of the facts that are known:
 * the words come from the one, tables and formulas from the others. It is no model's answer; it is right where the facts
 * are, so that what is lost or repaired afterwards can be seen.
 */
export function answerFromFacts(layer: string, facts: readonly Fact[]): string {
  const parts = [reflow(layer)]
  for (const fact of facts) {
    if (judge(fact, parts.join('\n\n')).passed) continue
    if (fact.type === 'present') parts.push(fact.text)
    else if (fact.type === 'order') parts.push(fact.before, fact.after)
    else if (fact.type === 'table') parts.push(tableFor(fact))
    else if (fact.type === 'math') parts.push(`$$ ${fact.math} $$`)
  }
  return parts.filter((part) => part !== '').join('\n\n')
}

/** Joins the lines of each paragraph, and the words that a line's end divides. */
export function reflow(layer: string): string {
  return layer
    .split(/\n\s*\n/)
    .map((paragraph) =>
      paragraph
        .replaceAll(/[\u00ad\u2010]\s*\n\s*/g, '')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    )
    .filter((paragraph) => paragraph !== '')
    .join('\n\n')
}

/** The smallest table of which a fact is true. */
function tableFor(fact: Extract<Fact, { type: 'table' }>): string {
  const { cell, up, down, left, right, top_heading: top, left_heading: start } = fact
  const row = [...(start === '' || start === left ? [] : [start]), ...(left === '' ? [] : [left]), cell]
  const column = row.length - 1
  const alone = (text: string) => Array.from({ length: column + 1 }, (_, at) => (at === column ? text : ''))
  const rows = [
    ...(up === '' || up === top ? [] : [alone(up)]),
    right === '' ? row : [...row, right],
    ...(down === '' ? [] : [alone(down)]),
  ]
  return htmlTable(top === '' ? null : alone(top), rows)
}

/** Writes a table as LightOnOCR does: HTML, its head apart. */
export function htmlTable(head: readonly string[] | null, rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], name: 'th' | 'td') =>
    `<tr>\n${cells.map((cell) => `<${name}>${escapeHtml(cell)}</${name}>`).join('\n')}\n</tr>`
  const headed = head === null ? [] : ['<thead>', line(head, 'th'), '</thead>']
  return ['<table>', ...headed, '<tbody>', ...rows.map((row) => line(row, 'td')), '</tbody>', '</table>'].join('\n')
}

/** Writes text so that HTML shows it. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

/** Writes the tables of Markdown as HTML. */
export function withHtmlTables(markdown: string): string {
  const out: string[] = []
  let rows: string[][] = []
  const end = () => {
    if (rows.length > 0) out.push(htmlTable(rows[0] ?? [], rows.slice(1)))
    rows = []
  }
  for (const line of markdown.split('\n')) {
    if (!line.startsWith('|')) {
      end()
      out.push(line)
    } else if (!/^[|\s:-]+$/.test(line))
      rows.push(
        line
          .slice(1, line.lastIndexOf('|'))
          .split('|')
          .map((cell) => cell.trim()),
      )
  }
  end()
  return out.join('\n')
}
