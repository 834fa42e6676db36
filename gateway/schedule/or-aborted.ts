/** Waits for what knows no signal, or throws the signal's reason as soon as it is aborted. */
export async function orAborted<Result>(pending: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([pending, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
    // The loser of the race still settles.
    pending.catch(() => {})
  }
}
