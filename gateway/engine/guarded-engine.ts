import { GatewayError } from '../errors.ts'
import type { AttemptReason, EndDelta, Engine, PagePrompt, Usage } from './engine.ts'
import { attemptPage, hasFailed } from './guard/attempt.ts'
import type { Answered, Outcome } from './guard/attempt.ts'
import { backoffMilliseconds, wait } from './guard/backoff.ts'
import { PageFailure } from './guard/page-failure.ts'
import { holdImage } from './guard/page-image.ts'
import type { HeldImage } from './guard/page-image.ts'

/** What the guard is made from. */
export interface GuardOptions {
  /** For one page, all attempts and the waits between them. */
  readonly totalTimeoutSeconds: number
  /** How long to wait after so many failures of the engine in a row. */
  readonly backoffMilliseconds?: (failures: number) => number
  /** Told of every attempt that was not aborted; must not throw. */
  readonly onAttempt?: (report: AttemptReport) => void
}

/** One attempt at a page, for metrics. */
export interface AttemptReport {
  readonly model: string
  readonly reason: AttemptReason | null
  readonly seconds: number
  /** Estimated for a loop that was cut; null when the engine failed and never said. */
  readonly usage: Usage | null
}

/**
 * Wraps an engine so that an answer counts only when it ended well, says something, does not loop, and is neither a
 * remark about an empty page nor the prompt said back. What does not count climbs the profile's ladder; what fails is
 * asked again after a while, of another upstream where there is one. The text is held back until it counts.
 *
 * After the last rung the best text is yielded with an end that is no `stop`; with no text at all, the last error is
 * thrown as a PageFailure. Expects pages with ink alone.
 */
export function guardedEngine(engine: Engine, options: GuardOptions): Engine {
  return async function* guarded(prompt, signal) {
    const { text, end } = await climb(engine, prompt, options, signal)
    if (text !== '') yield { type: 'text', text }
    yield end
  }
}

/** Where a page stands on its ladder. */
interface Progress {
  /** Why attempts did not count so far. */
  readonly reasons: AttemptReason[]
  readonly tried: Set<string>
  /** Answers that did not count raise it; a failing engine says nothing about the sampling. */
  rung: number
  /** Of the engine, in a row. */
  failures: number
  best: Answered | null
}

async function climb(engine: Engine, prompt: PagePrompt, options: GuardOptions, signal: AbortSignal) {
  using limit = startLimit(options.totalTimeoutSeconds, signal)
  const image = holdImage(prompt)
  const progress: Progress = { reasons: [], tried: new Set(), rung: 0, failures: 0, best: null }
  const attempts = prompt.model.profile.ladder.length
  for (let number = 1; ; number++) {
    const startedAt = performance.now()
    const attempt = attemptPrompt(prompt, image, number, progress)
    const outcome = await attemptPage(engine, attempt, image, number < attempts ? 'strict' : 'lenient', limit.signal)
    signal.throwIfAborted()
    options.onAttempt?.(report(prompt, outcome, startedAt))
    if (!hasFailed(outcome) && outcome.reason === null) return ended(outcome, number, progress.reasons)
    remember(progress, outcome, prompt)
    const goesOn = number < attempts && (await isReadyAgain(outcome, progress, image, options, limit.signal))
    signal.throwIfAborted()
    if (!goesOn) return giveUp(outcome, progress)
  }
}

/** The caller's signal, which also fires with `engine_timeout` when the page's time is up. */
function startLimit(seconds: number, signal: AbortSignal): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController()
  const message = `The OCR engine did not read this page within ${seconds} seconds. Try again.`
  const timer = setTimeout(() => controller.abort(new GatewayError('engine_timeout', message)), seconds * 1000)
  return {
    signal: AbortSignal.any([signal, controller.signal]),
    [Symbol.dispose]: () => clearTimeout(timer),
  }
}

function attemptPrompt(prompt: PagePrompt, image: HeldImage, number: number, { rung, tried }: Progress): PagePrompt {
  const sampling = prompt.model.profile.ladder[rung] ?? {}
  return { ...prompt, image: image.draw, attempt: { number, sampling, tried } }
}

function remember(progress: Progress, outcome: Outcome, prompt: PagePrompt): void {
  const { reason } = outcome
  if (reason === null) return
  progress.reasons.push(reason)
  const isEnginesFault = hasFailed(outcome) ? reason !== 'too_long' : reason === 'aborted'
  progress.failures = isEnginesFault ? progress.failures + 1 : 0
  if (hasFailed(outcome)) return
  if (!isEnginesFault) progress.rung += 1
  if (progress.best === null || worth(outcome, prompt) > worth(progress.best, prompt)) progress.best = outcome
}

/** Returns how much of a page an answer holds, in characters. */
function worth({ text }: Answered, { model, task }: PagePrompt): number {
  return model.profile.clean(text, task).trim().length
}

/** Does what must be done before another attempt: a smaller image, a wait. False when another would be in vain. */
async function isReadyAgain(
  outcome: Outcome,
  { failures }: Progress,
  image: HeldImage,
  options: GuardOptions,
  signal: AbortSignal,
): Promise<boolean> {
  if (signal.aborted) return false
  if (outcome.reason === 'too_long') return image.shrink(signal)
  if (hasFailed(outcome) && !outcome.error.retry) return false
  return failures === 0 || wait((options.backoffMilliseconds ?? backoffMilliseconds)(failures), signal)
}

function giveUp(last: Outcome, { best, reasons }: Progress) {
  if (best !== null && best.text !== '') return ended(best, reasons.length, reasons)
  if (!hasFailed(last)) return ended(last, reasons.length, reasons)
  // A page that was asked for once keeps its error as it is.
  throw reasons.length === 1 ? last.error : new PageFailure(last.error, reasons)
}

function ended({ text, end }: Answered, attempts: number, reasons: readonly AttemptReason[]) {
  const whole: EndDelta = { ...end, attempts, reasons }
  return { text, end: whole }
}

function report({ model }: PagePrompt, outcome: Outcome, startedAt: number): AttemptReport {
  const seconds = (performance.now() - startedAt) / 1000
  return { model: model.id, reason: outcome.reason, seconds, usage: hasFailed(outcome) ? null : outcome.end.usage }
}
