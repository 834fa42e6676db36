import { escapeHtml } from './page-answers.ts'
import { percent, tablesOf } from './report-markdown.ts'
import { failuresOf, points, type Run, type TallyRow } from './tally.ts'
import type { DiffPart, Failure, WorstPage } from './worst-pages.ts'

/** A small picture of a page, as a data URL; null where there is none. */
export type Pictures = (page: WorstPage) => string | null

/** Returns `report.html`: one file that loads nothing and runs nothing. All text of documents is escaped. */
export function htmlReport(
  runs: readonly Run[],
  worst: ReadonlyMap<Run, readonly WorstPage[]>,
  notes: readonly string[],
  pictures: Pictures,
): string {
  const body = [
    '<h1>Quality</h1>',
    '<p>Shares are in percent; the difference is that of <b>gateway</b> and <b>direct</b>, in points. <code>docs/quality.md</code> says what is measured, and what the figures are not.</p>',
    ...(notes.length === 0
      ? []
      : [`<ul class="notes">${notes.map((note) => `<li>${escapeHtml(note)}</li>`).join('')}</ul>`]),
    ...runs.map((run) => section(run, worst.get(run) ?? [], pictures)),
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>Quality</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body.join('\n')}
</main>
</body>
</html>
`
}

function section(run: Run, worst: readonly WorstPage[], pictures: Pictures): string {
  const pages = run.documents.reduce((sum, document) => sum + document.pages, 0)
  const sides = run.sides.map(({ name, what }) => `<dt>${escapeHtml(name)}</dt><dd>${codeIn(what)}</dd>`)
  return [
    `<section><h2>${escapeHtml(run.title)}</h2>`,
    `<p>${codeIn(run.about)} ${run.documents.length} documents, ${pages} pages, in ${run.seconds.toFixed(0)} s.</p>`,
    `<dl>${sides.join('')}</dl>`,
    ...failuresOf(run).map((failure) => `<p class="worse">${escapeHtml(failure)}</p>`),
    ...tablesOf(run).map(({ title, rows }) => `<h3>${escapeHtml(title)}</h3>${table(run, rows)}`),
    worst.length === 0 ? '' : `<h3>The worst pages</h3>${LEGEND}`,
    ...worst.map((page) => worstPage(page, pictures(page))),
    '</section>',
  ].join('\n')
}

/** What stands between backticks is code. */
function codeIn(what: string): string {
  return escapeHtml(what).replaceAll(/`([^`]*)`/g, '<code>$1</code>')
}

function table(run: Run, rows: readonly TallyRow[]): string {
  const sides = run.sides.map(({ name }) => name)
  const head = ['', 'n', ...sides, 'difference'].map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('')
  const line = ({ name, count, shares, difference, isBetterSmaller }: TallyRow) =>
    `<tr><th scope="row">${escapeHtml(name)}</th><td>${count}</td>${sides
      .map((side) => `<td>${percent(shares.get(side))}</td>`)
      .join('')}<td class="${signOf(isBetterSmaller ? -difference : difference)}">${points(difference)}</td></tr>`
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${rows.map(line).join('')}</tbody></table></div>`
}

function signOf(difference: number): 'better' | 'worse' | 'same' {
  if (points(difference) === '0.0') return 'same'
  return difference > 0 ? 'better' : 'worse'
}

function worstPage({ scored, page, status, failures }: WorstPage, picture: string | null): string {
  const where = page === 0 ? 'the whole document' : `page ${page}`
  const image =
    picture === null
      ? '<div class="none">no picture</div>'
      : `<img src="${escapeHtml(picture)}" alt="The page" loading="lazy">`
  const statuses = status === null ? '' : ` <span class="status">${escapeHtml(status)}</span>`
  return `<article>${image}<div><h4>${escapeHtml(scored.document.name)}, ${where}${statuses}</h4>${failures
    .map(failurePart)
    .join('')}</div></article>`
}

function failurePart({ type, expected, why, diff, excerpt, wasRightDirectly }: Failure): string {
  const shown =
    diff.length > 0
      ? `<p class="text">${diff.map(diffPart).join('')}</p>`
      : excerpt === ''
        ? ''
        : `<p class="text">${escapeHtml(excerpt)}</p>`
  const worse = wasRightDirectly ? ' <strong class="worse">right without the gateway</strong>' : ''
  return `<div class="fact"><p><span class="type">${type}</span> ${escapeHtml(expected)}${worse}</p><p class="why">${escapeHtml(why)}</p>${shown}</div>`
}

function diffPart({ text, kind }: DiffPart): string {
  const shown = escapeHtml(text)
  if (kind === 'same') return shown
  return kind === 'expected' ? `<del title="expected">${shown}</del>` : `<ins title="found">${shown}</ins>`
}

const LEGEND =
  '<p><del>Struck out</del> is what was expected and is not there, <ins>marked</ins> what is there in its place. For a document as a whole its first page is shown.</p>'

const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1d1f23, #e7e7ea); --soft: light-dark(#5d636e, #a3a8b3);
  --paper: light-dark(#fbfbfa, #16181c); --card: light-dark(#fff, #1f2228); --line: light-dark(#dcdde1, #353a44);
  --good: light-dark(#14703b, #6fd59a); --bad: light-dark(#b3261e, #ff9d94);
  --good-back: light-dark(#dff3e6, #17392a); --bad-back: light-dark(#fde4e1, #45221f); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1, h2, h3, h4 { line-height: 1.25; }
h2 { margin-top: 3rem; padding-bottom: .4rem; border-bottom: 1px solid var(--line); }
h3 { margin: 2rem 0 .6rem; }
h4 { margin: 0 0 .6rem; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; }
dt { font-weight: 600; } dd { margin: 0; color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; background: var(--card); }
th, td { padding: .35rem .8rem; border: 1px solid var(--line); text-align: right; white-space: nowrap; }
th[scope=row] { text-align: left; font-weight: 500; }
thead th { color: var(--soft); font-weight: 600; }
.better { color: var(--good); } .worse { color: var(--bad); } .same { color: var(--soft); }
article { display: grid; grid-template-columns: minmax(10rem, 20rem) 1fr; gap: 1.25rem; margin: 1rem 0; padding: 1rem;
  background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
article img { width: 100%; height: auto; border: 1px solid var(--line); background: #fff; }
.none { display: grid; place-items: center; min-height: 8rem; color: var(--soft); border: 1px dashed var(--line); }
.fact { padding: .5rem 0; border-top: 1px solid var(--line); min-width: 0; }
.fact p { margin: 0 0 .25rem; overflow-wrap: anywhere; }
.type, .status { font-size: .8rem; padding: .05rem .45rem; border: 1px solid var(--line); border-radius: 1rem; color: var(--soft); }
.why { color: var(--soft); }
.text { font: .875rem/1.5 ui-monospace, monospace; white-space: pre-wrap; }
ins { background: var(--good-back); color: var(--good); text-decoration: none; }
del { background: var(--bad-back); color: var(--bad); }
code { font: .9em ui-monospace, monospace; }
@media (max-width: 40rem) { article { grid-template-columns: 1fr; } }
`
