import { format } from 'prettier'
import {
  allFacts,
  byAbout,
  byCategory,
  byFamily,
  byMeasure,
  byType,
  failuresOf,
  points,
  type Run,
  type TallyRow,
} from './tally.ts'
import type { Failure, WorstPage } from './worst-pages.ts'

/** The tables of a run, with their headings: both reports have the same. */
export function tablesOf(run: Run): readonly { readonly title: string; readonly rows: readonly TallyRow[] }[] {
  return [
    { title: 'By type of fact', rows: [...byType(run), allFacts(run)] },
    { title: 'By what the gateway does', rows: byAbout(run) },
    { title: 'By set', rows: byFamily(run) },
    { title: 'By kind of document', rows: byCategory(run) },
    { title: 'Texts that are known as a whole', rows: byMeasure(run) },
  ].filter(({ rows }) => rows.length > 0)
}

/** A share as reports have it. */
export function percent(share: number | undefined): string {
  return share === undefined ? '' : (100 * share).toFixed(1)
}

/** Returns `report.md`. */
export async function markdownReport(
  runs: readonly Run[],
  worst: ReadonlyMap<Run, readonly WorstPage[]>,
  notes: readonly string[],
): Promise<string> {
  const parts = [
    '# Quality',
    'Written by `npm run quality`. docs/quality.md says what is measured, and what the figures are not. Shares are in percent; the difference is that of `gateway` and `direct`, in points.',
    ...(notes.length === 0 ? [] : [notes.map((note) => `- ${text(note)}`).join('\n')]),
    ...runs.flatMap((run) => runParts(run, worst.get(run) ?? [])),
  ]
  return format(parts.join('\n\n'), { parser: 'markdown' })
}

function runParts(run: Run, worst: readonly WorstPage[]): readonly string[] {
  const pages = run.documents.reduce((sum, document) => sum + document.pages, 0)
  return [
    `## ${text(run.title)}`,
    `${text(run.about)} ${run.documents.length} documents, ${pages} pages, in ${run.seconds.toFixed(0)} s.`,
    run.sides.map(({ name, what }) => `- **${name}**: ${what}`).join('\n'),
    ...failuresOf(run).map((failure) => `- ${text(failure)}`),
    ...tablesOf(run).flatMap(({ title, rows }) => [`### ${title}`, table(run, rows)]),
    ...(worst.length === 0 ? [] : ['### The worst pages', ...worst.map(worstPart)]),
  ]
}

function table(run: Run, rows: readonly TallyRow[]): string {
  const sides = run.sides.map(({ name }) => name)
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    line(['', 'n', ...sides, 'difference']),
    line(['---', ...sides.map(() => '--:'), '--:', '--:']),
    ...rows.map(({ name, count, shares, difference }) =>
      line([text(name), String(count), ...sides.map((side) => percent(shares.get(side))), points(difference)]),
    ),
  ].join('\n')
}

function worstPart({ scored, page, status, failures }: WorstPage): string {
  const where = page === 0 ? 'the whole document' : `page ${page}${status === null ? '' : ` (${status})`}`
  return [
    `- ${text(scored.document.name)}, ${where}`,
    ...failures.map((failure) => `  - ${failureText(failure)}`),
  ].join('\n')
}

function failureText({ expected, why, diff, excerpt, wasRightDirectly }: Failure): string {
  const found =
    diff.length > 0
      ? diff
          .filter(({ kind }) => kind !== 'expected')
          .map((part) => part.text)
          .join('')
      : excerpt
  const nearest = found === '' ? '' : ` Found: ${code(found)}`
  return `${text(expected)}: ${text(why)}.${wasRightDirectly ? ' **Right without the gateway.**' : ''}${nearest}`
}

/** Text of a document, none of which is Markdown or HTML here. */
function text(written: string): string {
  return written.replaceAll(/\s+/g, ' ').replaceAll(/[\\`*_{}[\]<>()#+!|~$&]/g, String.raw`\$&`)
}

/** A fence longer than any in the text; a `|` would end a cell, but these stand in lists. */
function code(written: string): string {
  const flat = written.replaceAll(/\s+/g, ' ').trim()
  const longest = Math.max(0, ...(flat.match(/`+/g) ?? []).map((run) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence} ${flat} ${fence}`
}
