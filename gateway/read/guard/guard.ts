import type { Engine, Prompt, Usage } from '../../engine/engine.ts'
import { GatewayError } from '../../errors.ts'
import type { PageImage } from '../../page/page.ts'
import type { Question } from '../../profile/question.ts'
import { startTimeLimit } from '../../schedule/time-limit.ts'
import type { AskEngine } from '../ask.ts'
import { traceAttempt, type AttemptEnd } from '../attempt-span.ts'
import { isTranscription, judgeAnswer } from '../evidence/contradiction.ts'
import { answered, type AttemptReason, type EngineAnswer, type PageAnswer } from '../page-answer.ts'
import type { PageToRead } from '../page-to-read.ts'
import { attemptPage, hasFailed } from './attempt.ts'
import type { Answered, Outcome } from './attempt.ts'
import { backoffMilliseconds, wait } from './backoff.ts'
import { changeImage, isMendable, type ImageChange } from './change-image.ts'
import { PageFailure } from './page-failure.ts'
import { fitTokens } from './shrink.ts'

/** The limits and the observer of a guard. */
export interface GuardOptions {
  /** For one page: all attempts and the waits between them. */
  readonly totalTimeoutSeconds: number
  /** How long to wait after so many failures of the engine in a row. */
  readonly backoffMilliseconds?: (failures: number) => number
  /** Returns how many attempts the engines of a model could take on top of all their work. */
  readonly spare?: (modelId: string) => number
  /** Called with an upstream whose answer was compared with a text layer that can be trusted; must not throw. */
  readonly onCompared?: (upstream: string, agrees: boolean) => void
  /** Returns the most tokens that a page image may take at the engines of a model; null while none has said so. */
  readonly maxImageTokens?: (modelId: string) => number | null
  /** Called after each attempt that was not aborted; must not throw. */
  readonly onAttempt?: (report: AttemptReport) => void
}

/** One attempt at a page, for metrics. */
export interface AttemptReport {
  /** Whose page it was; while requests share its reading, the most urgent one's. */
  readonly key: string
  readonly model: string
  readonly reason: AttemptReason | null
  readonly seconds: number
  /** Estimated for a loop that was cut; null when the engine failed. */
  readonly usage: Usage | null
}

/**
 * Creates an ask that guards an engine: an answer counts only when it ended well, is neither empty nor garbled, does not
 * loop, is neither a remark about the picture nor the prompt repeated, and does not contradict the page's text layer.
 * After an answer that does not count, the next attempt uses the next rung of the profile's ladder. After an engine
 * failure, the next attempt waits, goes to another upstream if there is one, and has its image changed where the same
 * failure would come again. When the engines are idle, all rungs that are left are tried side by side.
 *
 * When no attempt is left, returns the best text with a finish reason other than `stop`: `abort` when the engine went
 * away before it had answered well. When no attempt gave any text and the last one failed, throws its error, as a
 * PageFailure if there were several. Expects images with ink.
 */
export function createGuard(engine: Engine, options: GuardOptions): AskEngine {
  return async function guard(page, image, signal) {
    using limit = startTimeLimit(options.totalTimeoutSeconds * 1000, () => tooSlow(options), signal)
    const { model } = page.question
    const shown = await fitTokens(image, model, options.maxImageTokens?.(model.id) ?? null)
    const climb = { engine, options, page, image: shown, progress: newProgress(), signal: limit.signal }
    return await climbLadder(climb, signal)
  }
}

function tooSlow({ totalTimeoutSeconds: seconds }: GuardOptions): GatewayError {
  return new GatewayError(
    'engine_timeout',
    `The OCR engine did not read this page within ${seconds} seconds. Try again.`,
  )
}

/** Where a page stands on its ladder. */
interface Progress {
  /** Why attempts did not count so far. */
  readonly reasons: AttemptReason[]
  readonly tried: Set<string>
  /** Attempts of the ladder that are used up; an attempt that no engine took does not count. */
  spent: number
  /** Raised by answers that did not count, and not by engine failures: they say nothing about the sampling. */
  rung: number
  /** Engine failures in a row. */
  failures: number
  /** Attempts that no engine took. */
  unavailable: number
  /** What was done to the image. */
  readonly changes: Set<ImageChange>
  /** The failure of the last attempt; null when it did not fail. */
  failure: GatewayError | null
  best: Answered | null
}

function newProgress(): Progress {
  return {
    reasons: [],
    tried: new Set(),
    spent: 0,
    rung: 0,
    failures: 0,
    unavailable: 0,
    changes: new Set(),
    failure: null,
    best: null,
  }
}

/** What a page's attempts share. */
interface Climb {
  readonly engine: Engine
  readonly options: GuardOptions
  readonly page: PageToRead
  /** What the engine is shown next. */
  image: PageImage
  readonly progress: Progress
  /** Follows the caller's signal and the page's time limit. */
  readonly signal: AbortSignal
}

async function climbLadder(climb: Climb, signal: AbortSignal): Promise<PageAnswer> {
  const { progress } = climb
  for (;;) {
    const outcomes = await nextAttempts(climb)
    signal.throwIfAborted()
    const counting = outcomes.find(counts)
    for (const outcome of outcomes) if (outcome !== counting) remember(progress, outcome, climb.page.question)
    if (counting !== undefined) return ended(counting, progress.reasons.length + 1, climb)
    const last = outcomes.at(-1)
    if (last === undefined) throw new TypeError('no attempt was made')
    const goesOn = await prepareRetry(last, climb)
    signal.throwIfAborted()
    if (!goesOn) return giveUp(last, climb)
  }
}

function counts(outcome: Outcome): outcome is Answered {
  return !hasFailed(outcome) && outcome.reason === null
}

/**
 * Makes the next attempt; after answers that did not count, makes all that are left side by side if engines are idle.
 */
async function nextAttempts(climb: Climb): Promise<Outcome[]> {
  const { options, progress } = climb
  const { model } = climb.page.question
  const left = model.profile.ladder.length - progress.spent
  const isStraggler = progress.rung > 0 && progress.failures === 0
  const spare = isStraggler ? (options.spare?.(model.id) ?? 0) : 0
  return left > 1 && spare >= left ? race(climb, left) : [await attempt(climb, 0, climb.signal)]
}

/** Makes several attempts at once, until one counts and the others are aborted. Returns those that were not aborted. */
async function race(climb: Climb, attempts: number): Promise<Outcome[]> {
  const won = new AbortController()
  const signal = AbortSignal.any([climb.signal, won.signal])
  const outcomes: Outcome[] = []
  const run = async (step: number): Promise<void> => {
    try {
      const outcome = await attempt(climb, step, signal)
      outcomes.push(outcome)
      if (counts(outcome)) won.abort(new DOMException('Another attempt at this page was good.', 'AbortError'))
    } catch (error) {
      if (won.signal.aborted) return
      won.abort(error)
      throw error
    }
  }
  // `prepareRetry` took the first attempt from the budget.
  const others = Array.from({ length: attempts - 1 }, (_, index) => index + 1)
  const paid = others.filter(() => climb.page.attemptBudget.take())
  await Promise.all([0, ...paid].map(run))
  return outcomes
}

/** Makes one attempt, `step` rungs above the page's rung. */
async function attempt(climb: Climb, step: number, signal: AbortSignal): Promise<Outcome> {
  const { engine, image, options, progress } = climb
  const { question, requestId, turn, onTaken } = climb.page
  const { ladder } = question.model.profile
  const startedAt = performance.now()
  const sampling = ladder[progress.rung + step] ?? {}
  const number = progress.reasons.length + 1 + step
  const attempted = { number, sampling, tried: progress.tried }
  const prompt: Prompt = { question, image, requestId, turn, onTaken, attempt: attempted }
  const contradicts = (answer: EngineAnswer): boolean => isContradicted(climb, answer)
  const isLast = progress.spent + step + 1 >= ladder.length
  const measure = isLast ? 'lenient' : 'strict'
  const outcome = await traceAttempt(
    climb.page.span,
    { question, number },
    (span) => attemptPage(engine, { ...prompt, span }, measure, contradicts, signal),
    endOf,
  )
  options.onAttempt?.({ key: turn.key, ...report(question, outcome, startedAt) })
  const text = hasFailed(outcome) ? null : (outcome.said ?? outcome.answer.text)
  climb.page.onAttempt?.({ image, reason: outcome.reason, text, sampling })
  return outcome
}

function endOf(outcome: Outcome): AttemptEnd {
  const { reason } = outcome
  if (hasFailed(outcome)) return { reason, usage: null, finishReason: null }
  const { usage, finishReason } = outcome.answer
  return { reason, usage, finishReason }
}

/** Compares an answer with the text layer of its page image, and tells how its upstream did; a tile has no layer. */
function isContradicted({ page: { question, level }, image, options }: Climb, answer: EngineAnswer): boolean {
  const { textLayer } = image
  if (textLayer === null || !isTranscription(question)) return false
  const verdict = judgeAnswer(textLayer, level, question, answer.text)
  if (verdict === 'short' || verdict === null) return false
  if (answer.upstream !== undefined) options.onCompared?.(answer.upstream, verdict === 'agrees')
  return verdict === 'contradicts'
}

function remember(progress: Progress, outcome: Outcome, question: Question): void {
  const { reason } = outcome
  if (reason === null) return
  progress.reasons.push(reason)
  if (reason === 'engine_unavailable') progress.unavailable += 1
  else progress.spent += 1
  const isEnginesFault = hasFailed(outcome) ? reason !== 'too_long' : reason === 'aborted'
  progress.failures = isEnginesFault ? progress.failures + 1 : 0
  if (hasFailed(outcome)) return
  if (!isEnginesFault) progress.rung += 1
  if (progress.best === null || worth(outcome, question) > worth(progress.best, question)) progress.best = outcome
}

/** Returns how much of a page an answer holds, in characters. */
function worth({ answer }: Answered, { model, task }: Question): number {
  return model.profile.clean(answer.text, task).trim().length
}

/** Attempts that no engine took. The checks of the upstreams normally report an outage before a page reaches it. */
const MAX_UNAVAILABLE = 6

/** Changes the image or waits, where the next attempt needs it. False when there must be no next attempt. */
async function prepareRetry(last: Outcome, climb: Climb): Promise<boolean> {
  const { page, options, progress, signal } = climb
  const { spent, failures, unavailable } = progress
  const isOver = spent >= page.question.model.profile.ladder.length || unavailable >= MAX_UNAVAILABLE
  if (signal.aborted || isOver || (hasFailed(last) && isFinal(last.error))) return false
  const image = await imageAfter(last, climb)
  // An attempt that cannot be made is not paid for.
  if (image === null || (last.reason !== 'engine_unavailable' && !page.attemptBudget.take())) return false
  climb.image = image
  progress.failure = hasFailed(last) ? last.error : null
  if (failures > 0) return wait((options.backoffMilliseconds ?? backoffMilliseconds)(failures), signal)
  return !signal.aborted
}

function isFinal(error: GatewayError): boolean {
  return error.kind === 'outage' || (!error.retry && !isMendable(error))
}

/** Returns the image for the next attempt; null when it would have to be changed, and cannot be. */
async function imageAfter(last: Outcome, { page, image, progress }: Climb): Promise<PageImage | null> {
  if (!hasFailed(last)) return image
  const history = { done: progress.changes, failureBefore: progress.failure }
  return changeImage(image, last.error, page.question.model, history)
}

function giveUp(last: Outcome, climb: Climb): PageAnswer {
  const { best, reasons } = climb.progress
  if (best !== null && best.answer.text !== '')
    return ended(isAway(last) ? withoutEnd(best) : best, reasons.length, climb)
  if (!hasFailed(last)) return ended(last, reasons.length, climb)
  // The error of a single attempt is thrown as it is.
  throw reasons.length === 1 ? last.error : new PageFailure(last.error, reasons)
}

/** Tells whether the engine went away from a page: a later request may read what this one did not. */
function isAway({ reason }: Outcome): boolean {
  return reason === 'aborted' || reason === 'engine_unavailable'
}

/** An answer that did not count is not the last word about its page when the engine went away before another attempt. */
function withoutEnd(best: Answered): Answered {
  return { ...best, answer: { ...best.answer, finishReason: 'abort' } }
}

function ended({ answer, image }: Answered, attempts: number, { page, progress }: Climb): PageAnswer {
  const { engine } = page.question.model
  return { ...answered(image, engine, answer), attempts, reasons: progress.reasons }
}

function report({ model }: Question, outcome: Outcome, startedAt: number): Omit<AttemptReport, 'key'> {
  const seconds = (performance.now() - startedAt) / 1000
  return { model: model.id, reason: outcome.reason, seconds, usage: hasFailed(outcome) ? null : outcome.answer.usage }
}
