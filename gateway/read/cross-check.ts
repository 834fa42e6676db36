import { GatewayError } from '../errors.ts'
import type { Usage } from '../engine/engine.ts'
import type { PageImage } from '../page/page.ts'
import type { TextLayer } from '../page/text-layer.ts'
import type { Question } from '../profile/question.ts'
import { startTimeLimit } from '../schedule/time-limit.ts'
import { agreement } from './evidence/agreement.ts'
import { isFarBelow } from './evidence/agreement-level.ts'
import { layerToMarkdown } from './evidence/layer-to-markdown.ts'
import { isSane, isTrustworthy } from './evidence/trust.ts'
import { PageFailure } from './guard/page-failure.ts'
import { drawn, type AttemptReason, type PageAnswer } from './page-answer.ts'
import type { PageToRead } from './page-to-read.ts'

/** How answers are compared with text layers. */
export interface CrossCheckOptions {
  /** For one page, the closer look included. */
  readonly totalTimeoutSeconds: number
  /** Told of every closer look; must not throw. */
  readonly onCloserLook?: (report: CloserLook) => void
}

/** A second look at a page, for metrics. */
export interface CloserLook {
  readonly model: string
  readonly outcome: 'better' | 'no_better' | 'failed'
  /** Of the answer that does not count; null when the second one failed. */
  readonly wasted: Usage | null
}

/** Reads a page image, whatever it takes. */
export type ReadImage = (image: PageImage, signal: AbortSignal) => Promise<PageAnswer>

/**
 * Reads a page and compares the answer with what the PDF itself says of the page, as evidence and never as truth: an
 * answer that agrees far less than the document's other pages do is asked for once more with a closer image, and the
 * better one counts. A page that nothing has read is given the text layer in its stead, where that can be trusted. Looks
 * only at tasks whose answer is the page's text, and only at layers that are sane.
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
  if (answer.finishReason === 'stop') return compared(checked, answer, signal)
  return isTrustworthy(layer, page.level) ? fallback(checked, answer.reasons) : answer
}

/** Whether the answer is the page's text: a client's own prompt may ask for anything. */
function isTranscription({ model, task, prompt }: Question): boolean {
  return (task === 'document' || task === 'text') && prompt === model.profile.tasks[task]?.text
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
 * An engine that fails or cannot be reached says nothing of the page: asked again later, it may well read it. The last word
 * is that it refuses the page for good, or that it has answered and none of it counted.
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

/** The text is nobody's answer: it cost no tokens that count. */
function fallback({ page, image, layer }: CheckedPage, reasons: readonly AttemptReason[]): PageAnswer {
  return {
    ...drawn(image, page.question.model.engine),
    text: layerToMarkdown(layer.text),
    finishReason: 'stop',
    attempts: Math.max(1, reasons.length),
    reasons,
    isFallback: true,
  }
}

/** Compares an answer with the layer, and looks closer where much is missing. */
async function compared(checked: CheckedPage, first: PageAnswer, signal: AbortSignal): Promise<PageAnswer> {
  const { level } = checked.page
  const agreed = withAgreement(checked, first)
  const isDoubtful = isFarBelow(agreed.agreement, level)
  // At once: pages that are read meanwhile need not be looked at more closely when it is the layers that lie.
  level.note(agreed.agreement)
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
  const report = (outcome: CloserLook['outcome'], wasted: Usage | null): void =>
    checked.options.onCloserLook?.({ model: checked.page.question.model.id, outcome, wasted })
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

/** Less than this many times the pixels are no closer look. */
const MIN_GAIN = 1.3

/** Asks once more with more pixels; null when there are none to be had, or nothing left to spend on it. */
async function lookCloser(checked: CheckedPage, signal: AbortSignal): Promise<PageAnswer | 'failed' | null> {
  const { page, image, read, options, startedAt } = checked
  const left = options.totalTimeoutSeconds * 1000 - (performance.now() - startedAt)
  if (page.drawCloser === null || image.tiles !== undefined || left < 1) return null
  if (!page.attemptBudget.take()) return null
  using limit = startTimeLimit(
    left,
    () => new DOMException('No time is left for a closer look.', 'TimeoutError'),
    signal,
  )
  try {
    const closer = await page.drawCloser(limit.signal)
    if (closer.blank || pixelsOf(closer) < MIN_GAIN * pixelsOf(image)) return null
    const answer = await read(closer, limit.signal)
    return answer.finishReason === 'stop' ? answer : 'failed'
  } catch (error) {
    if (signal.aborted) throw signal.reason
    // The first answer stands, whether the engine failed, time ran out or the document was closed by who brought it.
    if (error instanceof GatewayError || error instanceof DOMException) return 'failed'
    throw error
  }
}

function pixelsOf(image: PageImage): number {
  const shown = image.tiles?.flat() ?? [image]
  return shown.reduce((pixels, { width, height }) => pixels + width * height, 0)
}
