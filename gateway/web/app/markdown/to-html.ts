import { Marked, type MarkedExtension } from 'marked'
import { ALLOWED_ELEMENTS } from './allowed.ts'
import { escapeHtml, formulaAt, formulaElement, formulaExtension } from './formulas.ts'

const marked = new Marked({ gfm: true, async: false }, formulaExtension(), imageExtension(), {
  renderer: {
    html: ({ text }) => tamedHtml(text),
    // No form control comes out of a page.
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
  },
})

/** Turns a piece of Markdown into HTML that is still to be sanitised. What cannot be parsed is shown as it is. */
export function toHtml(markdown: string): string {
  try {
    return marked.parse(markdown, { async: false })
  } catch {
    // Ten thousand nested quotations end the parser's stack.
    return `<pre>${escapeHtml(markdown)}</pre>`
  }
}

const NUMBER = String.raw`[ \t]*\d{1,4}[ \t]*`
/** What LightOnOCR writes behind a picture: where it stands on the page. */
const BOX = new RegExp(`^${[1, 2, 3, 4].map(() => NUMBER).join(',')}`)
const IMAGE = /^!\[(?<alt>[^[\]\n]{0,1000})\]\((?<name>[^\s()<>]{1,1000})\)/

function imageExtension(): MarkedExtension {
  return {
    extensions: [
      {
        name: 'boxedImage',
        level: 'inline',
        start: (text) => (text.includes('![') ? text.indexOf('![') : undefined),
        tokenizer(text) {
          const image = IMAGE.exec(text)
          const box = image === null ? null : BOX.exec(text.slice(image[0].length))
          if (image === null || box === null) return undefined
          const { alt = '', name = '' } = image.groups ?? {}
          return { type: 'boxedImage', raw: image[0] + box[0], alt, name }
        },
        renderer: ({ alt, name }) => `<img src="${escapeHtml(String(name))}" alt="${escapeHtml(String(alt))}">`,
      },
    ],
  }
}

const KNOWN = new Set(ALLOWED_ELEMENTS)
/** Code as it is, comments, tags, or where a formula may begin. */
const MARKUP =
  /<(?<raw>pre|code)\b[^>]*>[\s\S]*?<\/\k<raw>\s*>|<!--[\s\S]*?-->|<\/?(?<tag>[a-z][^\s/>]*)[^>]*>|<|\$|\\[([]|\\begin\{/gi
/** A formula in HTML ends with its cell. */
const NOT_IN_FORMULA = /<\/|<(?:t[dhr]|br|p|li|div|table)\b/i

/** HTML with its formulas marked, and with tags that it may not have as text: pages about HTML keep what they say. */
function tamedHtml(html: string): string {
  let tamed = ''
  let at = 0
  MARKUP.lastIndex = 0
  for (let match = MARKUP.exec(html); match !== null; match = MARKUP.exec(html)) {
    tamed += html.slice(at, match.index)
    const { shown, length } = tamedMarkup(match, html)
    tamed += shown
    at = match.index + length
    MARKUP.lastIndex = at
  }
  return tamed + html.slice(at)
}

function tamedMarkup(match: RegExpExecArray, html: string): { shown: string; length: number } {
  const [all] = match
  const { raw, tag } = match.groups ?? {}
  if (raw !== undefined || (tag !== undefined && KNOWN.has(tag.toLowerCase())))
    return { shown: all, length: all.length }
  if (all.startsWith('<!--')) return { shown: '', length: all.length }
  if (all.startsWith('<')) return { shown: '&lt;', length: 1 }
  const formula = formulaAt(html.slice(match.index, match.index + 6000))
  if (formula === null || NOT_IN_FORMULA.test(formula.raw)) return { shown: all, length: all.length }
  // Entities within it are the page's own; the browser reads them.
  const shown = formulaElement(formula).replaceAll(/&amp;(?=#?\w{1,10};)/g, '&')
  return { shown, length: formula.raw.length }
}
