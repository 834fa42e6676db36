import { GivenBack, type Engine, type Prompt } from '../../engine/engine.ts'
import { GatewayError } from '../../errors.ts'
import type { PageImage } from '../../page/page.ts'
import { collect } from '../collect.ts'
import type { AttemptReason, EngineAnswer } from '../page-answer.ts'
import { isMendable } from './change-image.ts'
import { checkAnswer } from './check-answer.ts'
import { estimateTokens } from './estimate-tokens.ts'
import { findCount, findLoop, watchForLoop } from './loop.ts'
import type { Loop, LoopMeasure } from './loop.ts'

/** Tells whether an answer holds almost nothing of the text that the page is known to have. */
export type Contradicts = (answer: EngineAnswer) => boolean

/** How one attempt at a page ended. */
export type Outcome = Answered | Failed

/** The engine has answered. */
export interface Answered {
  /** Why it does not count; null when it does. */
  readonly reason: AttemptReason | null
  /** When it does not count, its text is only the part that is worth showing. */
  readonly answer: EngineAnswer
  /** What the engine was shown. */
  readonly image: PageImage
  /** All that it wrote, where the answer holds less. */
  readonly said?: string
}

/** The engine has failed. */
export interface Failed {
  readonly reason: AttemptReason
  readonly error: GatewayError
}

/** Tells whether the engine failed instead of answering. */
export function hasFailed(outcome: Outcome): outcome is Failed {
  return 'error' in outcome
}

/**
 * Asks the engine once, and again where it gives the page back; judges the whole answer, and ends the engine's work as soon as the answer
 * loops. An engine failure is an outcome, also when it is the reason of the aborted signal. Throws everything else.
 */
export async function attemptPage(
  engine: Engine,
  prompt: Prompt,
  measure: LoopMeasure,
  contradicts: Contradicts,
  signal: AbortSignal,
): Promise<Outcome> {
  const loop = cutLoops(measure)
  try {
    const answer = await collect(engine, prompt, signal, (text) => loop.see(text))
    signal.throwIfAborted()
    return judged(prompt, answer, contradicts)
  } catch (error) {
    const found = loop.found()
    if (found !== null) return loopedAnswer(prompt, found)
    // After an abort any error may surface here, so the abort's reason counts. A page's time limit is an engine
    // failure.
    const thrown: unknown = signal.aborted ? signal.reason : error
    if (thrown instanceof GivenBack) {
      const { attempt } = prompt
      const again = { ...attempt, timesGivenBack: (attempt.timesGivenBack ?? 0) + 1 }
      return attemptPage(engine, { ...prompt, attempt: again }, measure, contradicts, signal)
    }
    if (thrown instanceof GatewayError && isEngineFailure(thrown)) return failed(thrown)
    throw thrown
  }
}

/** A loop, and the text that ends in it. */
interface LoopedText {
  readonly text: string
  readonly loop: Loop
}

/** Thrown at an answer that repeats itself. */
class Repeats extends Error {}

/**
 * Watches a text, and throws as soon as it ends in a loop: what else the engine has sent already, an end perhaps, does not
 * make a loop an answer.
 */
function cutLoops(measure: LoopMeasure) {
  const watch = watchForLoop(measure)
  let found: LoopedText | null = null
  return {
    found: () => found,
    see(text: string): void {
      const loop = watch.see(text)
      if (loop === null) return
      found = { text, loop }
      throw new Repeats('The answer repeats itself.')
    },
  }
}

function judged({ question, image }: Prompt, answer: EngineAnswer, contradicts: Contradicts): Answered {
  const flaw = checkAnswer(question, answer.text, answer.finishReason)
  const reason = flaw === null && contradicts(answer) ? 'low_agreement' : flaw
  if (reason === null) return { reason, answer, image }
  const isWorthShowing = ['cut_off', 'aborted', 'loop', 'low_agreement'].includes(reason)
  const finishReason = answer.finishReason === 'stop' ? reason : answer.finishReason
  const text = isWorthShowing ? beforeLoop(answer.text) : ''
  return { reason, answer: { ...answer, text, finishReason }, image, said: answer.text }
}

/** Cuts off a loop at the end of a text that the engine itself has ended. */
function beforeLoop(text: string): string {
  const loop = findLoop(text, 'strict') ?? findCount(text)
  return loop === null ? text : withOneCopy(text, loop)
}

function withOneCopy(text: string, { start, piece }: Loop): string {
  // The cut may split a surrogate pair; half of a pair is no text.
  return text.slice(0, start + piece.length).replace(/[\uD800-\uDBFF]$/, '')
}

function loopedAnswer({ question, image }: Prompt, { text, loop }: LoopedText): Answered {
  const usage = {
    promptTokens: Math.ceil(question.model.profile.imageTokens(image)),
    completionTokens: Math.ceil(estimateTokens(text)),
  }
  // vLLM's own finish reason when its `repetition_detection` ends an answer.
  const finishReason = 'repetition'
  return { reason: 'loop', answer: { text: withOneCopy(text, loop), finishReason, usage, confidence: null }, image }
}

type EngineFailure = 'engine_error' | 'engine_unavailable' | 'engine_timeout'

function isEngineFailure(error: GatewayError): error is GatewayError & { readonly code: EngineFailure } {
  return error.code === 'engine_error' || error.code === 'engine_unavailable' || error.code === 'engine_timeout'
}

function failed(error: GatewayError & { readonly code: EngineFailure }): Failed {
  return { reason: isMendable(error) ? 'too_long' : error.code, error }
}
