import type { AnswerEvents } from '../ocr/answer-events.ts'
import type { DocumentOpen } from '../ocr/page-event.ts'
import type { StitchEvent } from '../ocr/stitch.ts'

/** A pipeline whose documents are open. */
export interface Primed {
  readonly opened: DocumentOpen
  /** The events that follow. */
  readonly rest: AsyncIterable<readonly StitchEvent[]>
}

/**
 * Waits for the first page, but not for longer than proxies wait: until the response begins, a failure still has its
 * own HTTP status; afterwards it is an event. The signal ends the pipeline, also when nobody has begun to read the rest.
 */
export async function prime(events: AnswerEvents, maxWaitMilliseconds: number, signal: AbortSignal): Promise<Primed> {
  // A generator that was never started does not pass `return` on, so that closing the pipeline is the signal's.
  signal.addEventListener('abort', () => void events.return().catch(() => {}), { once: true })
  const [opened] = await nextOf(events)
  if (opened?.type !== 'document-open') throw new Error('The pipeline began without its documents.')
  const first = nextOf(events)
  // Without this, a client that leaves before `rest` is read would cause an unhandled rejection.
  first.catch(() => {})
  const { promise: waitedLong, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, maxWaitMilliseconds)
  await Promise.race([first, waitedLong]).finally(() => clearTimeout(timer))
  return { opened, rest: chain(first, events) }
}

async function nextOf(events: AsyncIterator<readonly StitchEvent[]>): Promise<readonly StitchEvent[]> {
  const next = await events.next()
  if (next.done === true) throw new Error('The pipeline ended before its last event.')
  return next.value
}

async function* chain<T>(first: Promise<T>, rest: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  yield await first
  yield* rest
}
