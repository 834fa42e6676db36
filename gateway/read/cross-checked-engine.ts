import { GatewayError } from '../errors.ts'
import type { PageImage } from '../page/page.ts'
import type { TextLayer } from '../page/text-layer.ts'
import { onlyAttempt } from '../engine/engine.ts'
import type { AttemptReason, EndDelta, Engine, PagePrompt, Usage } from '../engine/engine.ts'
import { agreement } from './evidence/agreement.ts'
import { isFarBelow } from './evidence/agreement-level.ts'
import { layerToMarkdown } from './evidence/layer-to-markdown.ts'
import { isSane, isTrustworthy } from './evidence/trust.ts'
import { PageFailure } from './guard/page-failure.ts'
import { pageFacts } from '../engine/page-facts.ts'

/** What the cross-check is made from. */
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

/**
 * Wraps an engine so that answers are compared with what the PDF itself says of the page, as evidence and never as
 * truth: an answer that agrees far less than the document's other pages do is asked for once more with a closer image,
 * and the better one counts. A page that nothing has read is given the text layer in its stead, where that can be
 * trusted. Looks only at tasks whose answer is the page's text, and only at layers that are sane.
 */
export function crossCheckedEngine(engine: Engine, options: CrossCheckOptions): Engine {
  return async function* crossChecked(prompt, signal) {
    const startedAt = performance.now()
    const image = await prompt.image(signal)
    const held: PagePrompt = { ...prompt, image: async () => image }
    const { textLayer } = image
    if (textLayer === null || !isTranscription(prompt) || !isSane(textLayer)) {
      yield* engine(held, signal)
      return
    }
    const page: CheckedPage = { engine, prompt: held, image, layer: textLayer, startedAt }
    const { text, end } = await readChecked(page, options, signal)
    if (text !== '') yield { type: 'text', text }
    yield end
  }
}

/** Whether the answer is the page's text: a client's own prompt may ask for anything. */
function isTranscription({ model, task, text }: PagePrompt): boolean {
  return (task === 'document' || task === 'text') && text === model.profile.tasks[task]?.text
}

interface CheckedPage {
  readonly engine: Engine
  readonly prompt: PagePrompt
  readonly image: PageImage
  readonly layer: TextLayer
  /** On the clock of `performance.now()`. */
  readonly startedAt: number
}

interface Answered {
  /** Raw. */
  readonly text: string
  readonly end: EndDelta
}

async function readChecked(page: CheckedPage, options: CrossCheckOptions, signal: AbortSignal): Promise<Answered> {
  const { engine, prompt } = page
  let answered: Answered
  try {
    answered = await read(engine, prompt, signal)
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (!isLastWord(error) || !isTrustworthy(page.layer, prompt.level)) throw error
    return fallback(page, error instanceof PageFailure ? error.reasons : [error.code])
  }
  if (answered.end.finishReason === 'stop') return checked(page, answered, options, signal)
  return isTrustworthy(page.layer, prompt.level) ? fallback(page, answered.end.reasons) : answered
}

async function read(engine: Engine, prompt: PagePrompt, signal: AbortSignal): Promise<Answered> {
  let text = ''
  let end: EndDelta | null = null
  for await (const delta of engine(prompt, signal)) {
    if (delta.type === 'end') end = delta
    else text += delta.text
  }
  if (end !== null) return { text, end }
  throw new GatewayError('engine_error', 'The OCR engine broke off in the middle of this page. Try again.')
}

/**
 * An engine that fails or cannot be reached says nothing of the page: asked again later, it may well read it. The last word
 * is that it refuses the page for good, or that it has answered and none of it counted.
 */
function isLastWord(error: unknown): error is GatewayError & { readonly code: 'engine_error' | 'engine_timeout' } {
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

function fallback({ prompt, image, layer }: CheckedPage, reasons: readonly AttemptReason[]): Answered {
  const end: EndDelta = {
    type: 'end',
    finishReason: 'stop',
    // The text is nobody's answer.
    usage: { promptTokens: 0, completionTokens: 0 },
    ...pageFacts(image),
    engine: prompt.model.engine,
    cache: 'miss',
    ...onlyAttempt,
    attempts: Math.max(1, reasons.length),
    reasons,
    isFallback: true,
  }
  return { text: layerToMarkdown(layer.text), end }
}

async function checked(
  page: CheckedPage,
  first: Answered,
  options: CrossCheckOptions,
  signal: AbortSignal,
): Promise<Answered> {
  const { prompt } = page
  const agreed = compare(page, first)
  const isDoubtful = isFarBelow(agreed, prompt.level)
  // At once: pages that are read meanwhile need not be looked at more closely when it is the layers that lie.
  prompt.level?.note(agreed)
  if (!isDoubtful) return withAgreement(first, agreed)
  const closer = await lookCloser(page, options, signal)
  if (closer === null) return withAgreement(first, agreed)
  const { id: model } = prompt.model
  if (closer === 'failed') {
    options.onCloserLook?.({ model, outcome: 'failed', wasted: null })
    return withAgreement(first, agreed)
  }
  const closerAgreed = compare(page, closer)
  if (closerAgreed <= agreed) {
    options.onCloserLook?.({ model, outcome: 'no_better', wasted: closer.end.usage })
    return withAgreement(first, agreed)
  }
  options.onCloserLook?.({ model, outcome: 'better', wasted: first.end.usage })
  const reasons: AttemptReason[] = [...first.end.reasons, 'low_agreement', ...closer.end.reasons]
  const end = { ...closer.end, attempts: first.end.attempts + closer.end.attempts, reasons }
  return withAgreement({ text: closer.text, end }, closerAgreed)
}

function compare({ prompt, layer }: CheckedPage, { text }: Answered): number {
  return agreement(layer.text, prompt.model.profile.clean(text, prompt.task))
}

function withAgreement({ text, end }: Answered, agreed: number): Answered {
  return { text, end: { ...end, agreement: agreed } }
}

/** Less than this many times the pixels are no closer look. */
const LEAST_GAIN = 1.3

/** Asks once more with more pixels; null when there are none to be had, or nothing left to spend on it. */
async function lookCloser(
  { engine, prompt, image, startedAt }: CheckedPage,
  { totalTimeoutSeconds }: CrossCheckOptions,
  signal: AbortSignal,
): Promise<Answered | 'failed' | null> {
  const left = totalTimeoutSeconds * 1000 - (performance.now() - startedAt)
  if (prompt.closerImage === undefined || image.tiles !== undefined || left < 1) return null
  if (prompt.attemptBudget?.take() === false) return null
  const limited = AbortSignal.any([signal, AbortSignal.timeout(Math.floor(left))])
  try {
    const closer = await prompt.closerImage(limited)
    if (closer.blank || pixelsOf(closer) < LEAST_GAIN * pixelsOf(image)) return null
    const answered = await read(engine, { ...prompt, image: async () => closer }, limited)
    return answered.end.finishReason === 'stop' ? answered : 'failed'
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
