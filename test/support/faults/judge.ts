import type { LedgerLine, OcrObject } from '../../../gateway/wire/openai/ocr-object.ts'
import { pageTag } from './pages.ts'

/** What a whole answer is judged by. */
export interface Judged {
  /** The numbers of all pages, through all documents; null for a blank one. */
  readonly documents: readonly (readonly (number | null)[])[]
  readonly textOf: (number: number) => string
  readonly hasTimeLimit: boolean
  readonly content: string
  readonly finishReason: string | null
  readonly ocr: OcrObject
  /** The pages that a stream announced, in order; null when it was none. */
  readonly announced: readonly number[] | null
}

const SEPARATOR = '\n\n---\n\n'

/** Failures of an engine: any other is the gateway's own, and no fault that was played is an excuse for it. */
export const HONEST_CODES: readonly string[] = ['engine_error', 'engine_unavailable', 'engine_timeout']

/** Returns everything about an answer that breaks a promise: pages lost, doubled, misplaced or not what they say they are. */
export function judgeAnswer(judged: Judged): string[] {
  const { documents, content, ocr, announced } = judged
  const numbers = documents.flat()
  const places = documents.flatMap((pages, document) => pages.map((_, page) => `${document + 1}/${page + 1}`))
  const problems: string[] = []
  const lines = ocr.pages.map(({ page }) => page)
  const expected = numbers.map((_, index) => index + 1)
  if (!isSame(lines, expected)) problems.push(`pages ${lines.join()} in the ledger of ${numbers.length}`)
  if (announced !== null && !isSame(announced, expected))
    problems.push(`the stream announced pages ${announced.join()}`)
  if (documents.length > 1) {
    const said = ocr.pages.map((line) => `${line.document}/${line.document_page}`)
    if (!isSame(said, places)) problems.push(`documents and pages ${said.join()} in the ledger`)
  }
  for (const [index, line] of ocr.pages.entries()) {
    const text = content.slice(line.start, line.end)
    problems.push(
      ...judgePage(line, text, numbers[index] ?? null, judged).map((problem) => `page ${line.page} ${problem}`),
    )
  }
  return [...problems, ...judgeOffsets(judged), ...judgeEnd(judged)]
}

/** What stands between the pages is the separator, and nothing stands before the first or behind the last. */
function judgeOffsets({ content, ocr }: Judged): string[] {
  let end = 0
  const problems = ocr.pages.flatMap((line, index) => {
    const between = content.slice(end, line.start)
    end = line.end
    return between === (index === 0 ? '' : SEPARATOR) ? [] : [`${JSON.stringify(between)} before page ${line.page}`]
  })
  return end === content.length ? problems : [...problems, `${content.length - end} characters behind the last page`]
}

function judgeEnd({ ocr, finishReason }: Judged): string[] {
  const isCut = ocr.pages.some(({ status }) => status === 'pending')
  const expected = isCut ? 'length' : 'stop'
  return finishReason === expected ? [] : [`finish_reason ${finishReason} in place of ${expected}`]
}

function judgePage(line: LedgerLine, text: string, number: number | null, judged: Judged): string[] {
  if (number === null && line.status !== 'failed' && line.status !== 'pending') {
    return line.status === 'blank' && text === '' ? [] : [`is blank, and ${line.status}: ${JSON.stringify(text)}`]
  }
  const foreign = [...text.matchAll(/\bn\d{4}\b/g)].filter(([tag]) => number === null || tag !== pageTag(number))
  if (foreign.length > 0) return [`is ${line.status} and holds ${[...new Set(foreign.flat())].join()}`]
  return judgeStatus(line, text, number, judged)
}

function judgeStatus(
  line: LedgerLine,
  text: string,
  number: number | null,
  { textOf, hasTimeLimit }: Judged,
): string[] {
  const marker = `<!-- page ${line.page} failed: ${line.error?.code} -->`
  switch (line.status) {
    case 'ok':
    case 'repaired': {
      if (number !== null && text !== textOf(number)) return [`is ${line.status} with another text: ${excerpt(text)}`]
      const repaired = line.attempts > 1
      return repaired === (line.status === 'repaired') ? [] : [`is ${line.status} after ${line.attempts} attempts`]
    }
    case 'fallback':
      return number !== null && text.includes(pageTag(number)) ? [] : [`is fallback without its text: ${excerpt(text)}`]
    case 'failed':
      if (!HONEST_CODES.includes(line.error?.code ?? ''))
        return [`failed with ${line.error?.code}: ${line.error?.message}`]
      return text.endsWith(marker) ? [] : [`failed without its mark: ${excerpt(text)}`]
    case 'pending':
      if (!hasTimeLimit) return ['is pending without a time limit']
      return text === `<!-- page ${line.page} pending -->` ? [] : [`is pending, and says ${excerpt(text)}`]
    default:
      return [`is ${line.status}`]
  }
}

/** Judges what a client had read of a stream when it left: whole pages in order, the last one perhaps not yet whole. */
export function judgeBeginning(content: string, { documents, textOf }: Pick<Judged, 'documents' | 'textOf'>): string[] {
  const numbers = documents.flat()
  const texts = content.split(SEPARATOR)
  if (texts.length > numbers.length) return [`${texts.length} pages of ${numbers.length} in a stream that was left`]
  return texts.slice(0, -1).flatMap((text, index) => {
    const number = numbers[index] ?? null
    const isRight = text === (number === null ? '' : textOf(number))
    const isHonest = /<!-- page \d+ failed: \w+ -->$/.test(text)
    const isFallback = number !== null && text.includes(`${pageTag(number)}, its text layer`)
    return isRight || isHonest || isFallback
      ? []
      : [`page ${index + 1} of a stream that was left says ${excerpt(text)}`]
  })
}

/** Judges the same request asked again: what was read the first time is not read again, and says the same. */
export function judgeAgain(before: Pick<Judged, 'content' | 'ocr'>, after: Pick<Judged, 'content' | 'ocr'>): string[] {
  return before.ocr.pages.flatMap((line, index) => {
    const again = after.ocr.pages[index]
    const isKept = line.status === 'ok' || line.status === 'repaired' || line.status === 'blank'
    if (!isKept || again === undefined || again.model !== line.model || again.status === 'pending') return []
    if (again.cache !== 'hit') return [`page ${line.page} was ${line.status} and then a ${again.cache}`]
    const same = before.content.slice(line.start, line.end) === after.content.slice(again.start, again.end)
    return same && again.status === line.status ? [] : [`page ${line.page} was ${line.status} and then another`]
  })
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 160 ? `${text.slice(0, 80)} … ${text.slice(-80)}` : text)
}

function isSame(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((value, index) => value === other[index])
}
