import { GatewayError } from '../errors.ts'
import type { Usage } from '../engine/engine.ts'
import type { PageImage, PageWarning } from '../page/page.ts'
import type { TextLayer } from '../page/text-layer.ts'
import { startTimeLimit } from '../schedule/time-limit.ts'
import { agreement } from './evidence/agreement.ts'
import { isFarBelow } from './evidence/agreement-level.ts'
import { isTranscription, judgeAnswer } from './evidence/contradiction.ts'
import { layerToMarkdown } from './evidence/layer-to-markdown.ts'
import { isSane, isTrustworthy } from './evidence/trust.ts'
import { PageFailure } from './guard/page-failure.ts'
import { drawn, type AttemptReason, type PageAnswer } from './page-answer.ts'
import type { PageToRead } from './page-to-read.ts'

/** The limits and the observer of a cross-check. */
export interface CrossCheckOptions {
  /** For one page, including its closer look. */
  readonly totalTimeoutSeconds: number
  /** Called after each closer look; must not throw. */
  readonly onCloserLook?: (report: CloserLook) => void
}

/** One closer look at a page, for metrics. */
export interface CloserLook {
  /** Whose page it was. */
  readonly key: string
  readonly model: string
  readonly outcome: 'better' | 'no_better' | 'failed'
  /** Tokens of the answer that does not count; null when the closer look failed. */
  readonly wasted: Usage | null
}

/** Reads a page image, with as many attempts as it takes. */
export type ReadImage = (image: PageImage, signal: AbortSignal) => Promise<PageAnswer>

/**
 * Reads a page and compares the answer with the page's text layer, which is evidence, not truth. When the answer agrees
 * far less than the document's other pages do, the page is retried once with more pixels, and the better answer counts.
 * A page that no attempt has read gets its text layer as its text, if the layer is trustworthy. Compares only tasks
 * whose answer is the page's text, and only sane layers.
 */
export async function crossCheck(
  page: PageToRead,
  image: PageImage,
  read: ReadImage,
  options: CrossCheckOptions,
  signal: AbortSignal,
): Promise<PageAnswer> {
  const { textLayer: layer } = image
  if (layer === null || !isTranscription(page.question) || !isSane(layer)) return read(image, signal)
  const checked: CheckedPage = { page, image, layer, read, options, startedAt: performance.now() }
  let answer: PageAnswer
  try {
    answer = await read(image, signal)
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (!isFinalFailure(error) || !isTrustworthy(layer, page.level)) throw error
    return fallback(checked, error instanceof PageFailure ? error.reasons : [error.code])
  }
  if (answer.finishReason === 'stop') return unlessContradicted(checked, answer, signal)
  // An engine that went away, or was put to sleep, may still read the page later.
  if (answer.finishReason === 'abort') return answer
  if (isTrustworthy(layer, page.level)) return fallback(checked, answer.reasons)
  // The document's other pages have shown meanwhile that its layers are wrong.
  return answer.finishReason === 'low_agreement' ? compared(checked, accepted(answer), signal) : answer
}

/** Builds the answer that the last attempt would have been without its layer. */
function accepted(answer: PageAnswer): PageAnswer {
  return { ...answer, finishReason: 'stop', reasons: answer.reasons.slice(0, -1) }
}

/**
 * Falls back where an answer that the guard did not compare contradicts the layer: Tesseract's. Of tiles that contradict
 * it, because their joints leave more room for the gateway's own mistakes, and of a few words, a warning tells.
 */
async function unlessContradicted(checked: CheckedPage, answer: PageAnswer, signal: AbortSignal): Promise<PageAnswer> {
  const { page, image, layer } = checked
  const verdict = judgeAnswer(layer, page.level, page.question, answer.text)
  if (verdict === null || verdict === 'agrees') return compared(checked, answer, signal)
  if (verdict === 'contradicts' && image.tiles === undefined)
    return fallback(checked, [...answer.reasons, 'low_agreement'])
  // Not noted: the document's layers can be trusted as before.
  const kept = await compared(checked, answer, signal, () => {})
  return kept.attempts > answer.attempts ? kept : { ...kept, warnings: [...kept.warnings, textDisagrees(KEPT)] }
}

interface CheckedPage {
  readonly page: PageToRead
  readonly image: PageImage
  readonly layer: TextLayer
  readonly read: ReadImage
  readonly options: CrossCheckOptions
  /** On the clock of `performance.now()`. */
  readonly startedAt: number
}

/**
 * Tells whether a later request would fail too: an engine has refused the page for good, or has answered and no answer
 * counted. An engine that only failed, or could not be reached, may still read the page later.
 */
function isFinalFailure(error: unknown): error is GatewayError & { readonly code: 'engine_error' | 'engine_timeout' } {
  if (!(error instanceof GatewayError) || (error.code !== 'engine_error' && error.code !== 'engine_timeout'))
    return false
  const reasons = error instanceof PageFailure ? error.reasons : []
  return !error.retry || reasons.some((reason) => !failures.has(reason))
}

const failures: ReadonlySet<AttemptReason> = new Set([
  'engine_error',
  'engine_timeout',
  'engine_unavailable',
  'aborted',
])

const REPLACED = 'No attempt counted, and the text is that of the document.'
const KEPT = "The text is the model's all the same. Compare it with the page."

function textDisagrees(what: string): PageWarning {
  const message = `The model's answer held almost nothing of the text that the document itself has for this page. ${what}`
  return { code: 'text_disagrees', message }
}

/** Builds an answer from the text layer. Its usage is zero, because no engine wrote the text. */
function fallback({ page, image, layer }: CheckedPage, reasons: readonly AttemptReason[]): PageAnswer {
  return {
    ...drawn(image, page.question.model.engine),
    text: layerToMarkdown(layer.text),
    warnings: reasons.includes('low_agreement') ? [...image.warnings, textDisagrees(REPLACED)] : image.warnings,
    finishReason: 'stop',
    attempts: Math.max(1, reasons.length),
    reasons,
    isFallback: true,
  }
}

/** Compares an answer with the layer, and takes a closer look when much is missing. */
async function compared(
  checked: CheckedPage,
  first: PageAnswer,
  signal: AbortSignal,
  note: (agreement: number) => void = (it) => checked.page.level.note(it),
): Promise<PageAnswer> {
  const { level } = checked.page
  const agreed = withAgreement(checked, first)
  const isDoubtful = isFarBelow(agreed.agreement, level)
  // Noted before the closer look: when the document's layers are wrong, pages that are read meanwhile need none.
  note(agreed.agreement)
  if (!isDoubtful) return agreed
  const closer = await lookCloser(checked, signal)
  return closer === null ? agreed : better(checked, agreed, closer)
}

type Agreed = PageAnswer & { readonly agreement: number }

function withAgreement({ page, layer }: CheckedPage, answer: PageAnswer): Agreed {
  const { model, task } = page.question
  return { ...answer, agreement: agreement(layer.text, model.profile.clean(answer.text, task)) }
}

/** Returns the better of two answers, and reports the closer look. */
function better(checked: CheckedPage, first: Agreed, closer: PageAnswer | 'failed'): PageAnswer {
  const { question, turn } = checked.page
  const report = (outcome: CloserLook['outcome'], wasted: Usage | null): void =>
    checked.options.onCloserLook?.({ key: turn.key, model: question.model.id, outcome, wasted })
  if (closer === 'failed') {
    report('failed', null)
    return first
  }
  const agreed = withAgreement(checked, closer)
  if (agreed.agreement <= first.agreement) {
    report('no_better', closer.usage)
    return first
  }
  report('better', first.usage)
  const reasons: AttemptReason[] = [...first.reasons, 'low_agreement', ...closer.reasons]
  return { ...agreed, attempts: first.attempts + closer.attempts, reasons }
}

/** A closer look has at least this many times the pixels of the first image. */
const MIN_GAIN = 1.3

/** Retries the page with more pixels; null when it has no more, or when no time or no retry is left. */
async function lookCloser(checked: CheckedPage, signal: AbortSignal): Promise<PageAnswer | 'failed' | null> {
  const { page, image, read, options, startedAt } = checked
  const left = options.totalTimeoutSeconds * 1000 - (performance.now() - startedAt)
  if (page.drawCloser === null || image.tiles !== undefined || left < 1) return null
  using limit = startTimeLimit(
    left,
    () => new DOMException('No time is left for a closer look.', 'TimeoutError'),
    signal,
  )
  try {
    const closer = await page.drawCloser(limit.signal, { turn: page.turn })
    if (closer.blank || pixelsOf(closer) < MIN_GAIN * pixelsOf(image) || !page.attemptBudget.take()) return null
    const answer = await read(closer, limit.signal)
    return answer.finishReason === 'stop' ? answer : 'failed'
  } catch (error) {
    if (signal.aborted) throw signal.reason
    // The first answer counts when the engine failed, time ran out, or the request that owns the document closed it.
    if (error instanceof GatewayError || error instanceof DOMException) return 'failed'
    throw error
  }
}

function pixelsOf(image: PageImage): number {
  const shown = image.tiles?.flat() ?? [image]
  return shown.reduce((pixels, { width, height }) => pixels + width * height, 0)
}
