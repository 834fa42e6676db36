import type { DryRun } from './ledger.ts'

/** Writes what a dry run found as Markdown, for clients that show only the answer's text. */
export function summarize(found: DryRun, modelId: string): string {
  const { pages, pagesToRead, cachedPages, blankPages, repeatedPages, unreadablePages, pendingPages } = found
  const { easyPages = [], verifiedBy } = found
  const counts = [
    `${pagesToRead} to read`,
    ...(cachedPages > 0 ? [`${cachedPages} cached`] : []),
    ...listed(blankPages, 'blank', spans(blankPages)),
    ...listed(easyPages, 'answered from their text layer', spans(easyPages)),
    ...listed(repeatedPages, 'repeated', repeatedPages.map(({ page, sameAs }) => `${page} as ${sameAs}`).join(', ')),
    ...listed(
      unreadablePages,
      'cannot be drawn',
      unreadablePages.map(({ page, code }) => `${page}: ${code}`).join(', '),
    ),
    ...listed(pendingPages, 'not looked at, for lack of time', spans(pendingPages)),
  ]
  const second =
    verifiedBy === undefined ? '' : `- ${verifiedBy} would read the pages to read too, at a cost of its own.\n`
  return `Dry run: no page was read.\n\n- ${numbered(pages, 'page')}: ${counts.join(', ')}\n- ${expected(found, modelId)}\n${second}`
}

function listed(pages: readonly unknown[], label: string, which: string): string[] {
  return pages.length === 0 ? [] : [`${pages.length} ${label} (${which})`]
}

function expected({ expected: { promptTokens, completionTokens, seconds, measuredPages } }: DryRun, modelId: string) {
  const tokens = `Expected: ${numbered(promptTokens, 'prompt token')}, ${numbered(completionTokens, 'completion token')}`
  if (seconds === null) {
    const guess = completionTokens > 0 ? ', and the completion tokens are a guess' : ''
    return `${tokens}. How long it takes is not known${guess}: ${modelId} has read no page for this task since the gateway started.`
  }
  const source = measuredPages > 0 ? `, by ${numbered(measuredPages, 'page')} that ${modelId} has read` : ''
  return `${tokens}, ${numbered(seconds, 'second')}${source}.`
}

const numbered = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

/** Writes ascending page numbers as `ocr.pages` takes them: `2, 5-7`. */
function spans(pages: readonly number[]): string {
  const found: { first: number; last: number }[] = []
  for (const page of pages) {
    const span = found.at(-1)
    if (span?.last === page - 1) span.last = page
    else found.push({ first: page, last: page })
  }
  return found.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(', ')
}
