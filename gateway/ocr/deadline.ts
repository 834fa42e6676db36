import { startTimeLimit } from '../schedule/time-limit.ts'

/** The share of the client's time that is kept for stitching and for sending the answer. */
const MARGIN_SHARE = 0.05
const MIN_MARGIN_MILLISECONDS = 1000

/** Starts the deadline of a request: its signal fires shortly before the client stops waiting. */
export function startDeadline(deadline: number | null): Disposable & { readonly signal: AbortSignal } {
  if (deadline === null) return { signal: new AbortController().signal, [Symbol.dispose]() {} }
  const left = deadline - performance.now()
  const margin = Math.max(MIN_MARGIN_MILLISECONDS, left * MARGIN_SHARE)
  return startTimeLimit(left - margin, () => new DOMException("The client's time is up.", 'TimeoutError'))
}

/** Works until the deadline. What is not done by then is aborted, and `late` returns what stands in its place. */
export async function untilDeadline<Result>(
  deadline: AbortSignal,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
  late: () => Result,
): Promise<Result> {
  try {
    deadline.throwIfAborted()
    return await work(AbortSignal.any([signal, deadline]))
  } catch (error) {
    if (!deadline.aborted || signal.aborted) throw error
    return late()
  }
}
