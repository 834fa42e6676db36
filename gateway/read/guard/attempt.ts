import { GatewayError } from '../../errors.ts'
import type { AttemptReason, EndDelta, Engine, PagePrompt } from '../../engine/engine.ts'
import { onlyAttempt } from '../../engine/engine.ts'
import { pageFacts } from '../../engine/page-facts.ts'
import { checkAnswer } from './check-answer.ts'
import { estimateTokens } from './estimate-tokens.ts'
import { findCount, findLoop, watchForLoop } from './loop.ts'
import type { Loop, LoopMeasure } from './loop.ts'
import type { HeldImage } from './page-image.ts'

/** How one attempt at a page ended. */
export type Outcome = Answered | Failed

/** The engine has said something. */
export interface Answered {
  /** Why it does not count; null when it does. */
  readonly reason: AttemptReason | null
  /** Raw; of an answer that does not count only what is worth showing. */
  readonly text: string
  readonly end: EndDelta
}

/** The engine has failed. */
export interface Failed {
  readonly reason: AttemptReason
  readonly error: GatewayError
}

/** Tells the two apart. */
export function hasFailed(outcome: Outcome): outcome is Failed {
  return 'error' in outcome
}

/**
 * Asks the engine once, holds its text back until it is judged, and leaves it as soon as it loops. A failing engine is
 * an outcome; everything else is thrown, the signal's reason included.
 */
export async function attemptPage(
  engine: Engine,
  prompt: PagePrompt,
  image: HeldImage,
  measure: LoopMeasure,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    const { text, end, loop } = await readAnswer(engine, prompt, measure, signal)
    if (loop !== null) return loopedAnswer(prompt, image, text, loop)
    if (end === null) {
      return failed(new GatewayError('engine_error', 'The OCR engine broke off in the middle of this page. Try again.'))
    }
    return judged(prompt, text, end)
  } catch (error) {
    // Whatever an abort broke on its way, its reason counts: a page's time that is up is a failure like another.
    const thrown: unknown = signal.aborted ? signal.reason : error
    if (thrown instanceof GatewayError && isEngineFailure(thrown)) return failed(thrown)
    throw thrown
  }
}

async function readAnswer(engine: Engine, prompt: PagePrompt, measure: LoopMeasure, signal: AbortSignal) {
  const watch = watchForLoop(measure)
  const cut = new AbortController()
  let text = ''
  let end: EndDelta | null = null
  for await (const delta of engine(prompt, AbortSignal.any([signal, cut.signal]))) {
    if (delta.type === 'end') end = delta
    else text += delta.text
    const loop = watch.see(text)
    if (loop === null) continue
    cut.abort(new DOMException('The answer repeats itself.', 'AbortError'))
    // Leaving the loop waits until the engine has ended its work.
    return { text, end: null, loop }
  }
  signal.throwIfAborted()
  return { text, end, loop: null }
}

function judged(prompt: PagePrompt, text: string, end: EndDelta): Answered {
  const reason = checkAnswer(prompt, text, end.finishReason)
  if (reason === null) return { reason, text, end }
  const isWorthShowing = reason === 'cut_off' || reason === 'aborted' || reason === 'loop'
  const finishReason = end.finishReason === 'stop' ? reason : end.finishReason
  return { reason, text: isWorthShowing ? beforeLoop(text) : '', end: { ...end, finishReason } }
}

/** What the engine ended itself may have begun to loop. */
function beforeLoop(text: string): string {
  const loop = findLoop(text, 'strict') ?? findCount(text)
  return loop === null ? text : withOneCopy(text, loop)
}

function withOneCopy(text: string, { start, piece }: Loop): string {
  // The copy may begin inside a character of two units: its half is no text.
  return text.slice(0, start + piece.length).replace(/[\uD800-\uDBFF]$/, '')
}

function loopedAnswer({ model }: PagePrompt, image: HeldImage, text: string, loop: Loop): Answered {
  const shown = image.current()
  if (shown === null) throw new TypeError('an engine answered without having drawn the page')
  const usage = {
    promptTokens: Math.ceil(model.profile.imageTokens(shown)),
    completionTokens: Math.ceil(estimateTokens(text)),
  }
  const facts = { ...pageFacts(shown), engine: model.engine, cache: 'miss', ...onlyAttempt } as const
  // vLLM's own word for it: `repetition_detection` ends an answer so.
  const end = { type: 'end', finishReason: 'repetition', usage, ...facts } as const
  return { reason: 'loop', text: withOneCopy(text, loop), end }
}

type EngineFailure = 'engine_error' | 'engine_unavailable' | 'engine_timeout'

function isEngineFailure(error: GatewayError): error is GatewayError & { readonly code: EngineFailure } {
  return error.code === 'engine_error' || error.code === 'engine_unavailable' || error.code === 'engine_timeout'
}

function failed(error: GatewayError): Failed {
  if (!error.retry && isTooLong(error)) return { reason: 'too_long', error }
  return { reason: isEngineFailure(error) ? error.code : 'engine_error', error }
}

/**
 * Tells whether the page did not fit the model's context, in the words of vLLM before and after it has seen the image
 * (https://github.com/vllm-project/vllm/blob/main/vllm/renderers/params.py), or of the gateway before it asked.
 */
function isTooLong({ message }: GatewayError): boolean {
  return /maximum context length|longer than the maximum model length|does not fit the context/i.test(message)
}
