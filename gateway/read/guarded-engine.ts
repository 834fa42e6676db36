import { GatewayError } from '../errors.ts'
import { EngineOutage } from '../upstream/outage.ts'
import type { AttemptReason, EndDelta, Engine, PagePrompt, Usage } from '../engine/engine.ts'
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
  /** Attempts that the engines of a model could take beside all that they have to do. */
  readonly spare?: (modelId: string) => number
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
 * Where engines idle, what is left of a ladder is tried side by side.
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
  /** Attempts of the ladder that are used up; one that no engine took is not. */
  spent: number
  /** Answers that did not count raise it; a failing engine says nothing about the sampling. */
  rung: number
  /** Of the engine, in a row. */
  failures: number
  /** Attempts that no engine took. */
  unavailable: number
  best: Answered | null
}

/** What a page's attempts share. */
interface Climb {
  readonly engine: Engine
  readonly prompt: PagePrompt
  readonly image: HeldImage
  readonly options: GuardOptions
  readonly progress: Progress
  /** The caller's, and the page's own time. */
  readonly signal: AbortSignal
}

async function climb(engine: Engine, prompt: PagePrompt, options: GuardOptions, signal: AbortSignal) {
  using limit = startLimit(options.totalTimeoutSeconds, signal)
  const progress = { reasons: [], tried: new Set<string>(), spent: 0, rung: 0, failures: 0, unavailable: 0, best: null }
  const page: Climb = { engine, prompt, image: holdImage(prompt), options, progress, signal: limit.signal }
  for (;;) {
    const outcomes = await nextAttempts(page)
    signal.throwIfAborted()
    const counting = outcomes.find(counts)
    for (const outcome of outcomes) if (outcome !== counting) remember(progress, outcome, prompt)
    if (counting !== undefined) return ended(counting, progress.reasons.length + 1, progress.reasons)
    const last = outcomes.at(-1)
    if (last === undefined) throw new TypeError('no attempt was made')
    const goesOn = await isReadyAgain(last, page)
    signal.throwIfAborted()
    if (!goesOn) return giveUp(last, progress)
  }
}

function counts(outcome: Outcome): outcome is Answered {
  return !hasFailed(outcome) && outcome.reason === null
}

/** Makes the next attempt; all that are left, side by side, where answers have failed and engines have nothing else to do. */
async function nextAttempts(page: Climb): Promise<Outcome[]> {
  const { prompt, options, progress } = page
  const left = prompt.model.profile.ladder.length - progress.spent
  const isStraggler = progress.rung > 0 && progress.failures === 0
  const spare = isStraggler ? (options.spare?.(prompt.model.id) ?? 0) : 0
  return left > 1 && spare >= left ? race(page, left) : [await attempt(page, 0, page.signal)]
}

/** Makes several attempts at once; the first that counts ends the others. Returns those that ended by themselves. */
async function race(page: Climb, attempts: number): Promise<Outcome[]> {
  const won = new AbortController()
  const signal = AbortSignal.any([page.signal, won.signal])
  const outcomes: Outcome[] = []
  const run = async (step: number): Promise<void> => {
    try {
      const outcome = await attempt(page, step, signal)
      outcomes.push(outcome)
      if (counts(outcome)) won.abort(new DOMException('Another attempt at this page was good.', 'AbortError'))
    } catch (error) {
      if (won.signal.aborted) return
      won.abort(error)
      throw error
    }
  }
  const steps = Array.from({ length: attempts }, (_, step) => step)
  const [first, ...others] = steps
  // The first was paid for when it was decided to go on.
  const paid = others.filter(() => page.prompt.attemptBudget?.take() ?? true)
  await Promise.all([first ?? 0, ...paid].map(run))
  return outcomes
}

/** Makes one attempt, so many steps further up the ladder than where the page stands. */
async function attempt(page: Climb, step: number, signal: AbortSignal): Promise<Outcome> {
  const { engine, prompt, image, options, progress } = page
  const { ladder } = prompt.model.profile
  const startedAt = performance.now()
  const sampling = ladder[progress.rung + step] ?? {}
  const number = progress.reasons.length + 1 + step
  const asked: PagePrompt = { ...prompt, image: image.draw, attempt: { number, sampling, tried: progress.tried } }
  const isLast = progress.spent + step + 1 >= ladder.length
  const outcome = await attemptPage(engine, asked, image, isLast ? 'lenient' : 'strict', signal)
  options.onAttempt?.(report(prompt, outcome, startedAt))
  return outcome
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

function remember(progress: Progress, outcome: Outcome, prompt: PagePrompt): void {
  const { reason } = outcome
  if (reason === null) return
  progress.reasons.push(reason)
  if (reason === 'engine_unavailable') progress.unavailable += 1
  else progress.spent += 1
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

/** No engine took the page so often: the gateway's own look at the engines finds out sooner that there is none. */
const MOST_UNAVAILABLE = 6

/** Does what must be done before another attempt: a smaller image, a wait. False when another would be in vain. */
async function isReadyAgain(last: Outcome, { prompt, image, options, progress, signal }: Climb): Promise<boolean> {
  const { spent, failures, unavailable } = progress
  const isOver = spent >= prompt.model.profile.ladder.length || unavailable >= MOST_UNAVAILABLE
  if (signal.aborted || isOver) return false
  if (hasFailed(last) && (last.error instanceof EngineOutage || (!last.error.retry && last.reason !== 'too_long'))) {
    return false
  }
  const isFree = last.reason === 'engine_unavailable'
  if (!isFree && prompt.attemptBudget?.take() === false) return false
  if (last.reason === 'too_long') return image.shrink(signal)
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
