/** Resolves as the promise does, or rejects with the label once the deadline has passed. */
export async function within<Value>(promise: Promise<Value>, timeoutMs: number, label: string): Promise<Value> {
  const deadline = Promise.withResolvers<never>()
  const timer = setTimeout(() => deadline.reject(new Error(`${label}: nothing within ${timeoutMs} ms`)), timeoutMs)
  try {
    return await Promise.race([promise, deadline.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Asks again and again until the condition holds, or rejects with the label once the deadline has passed. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
  label: string,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${label}: not within ${timeoutMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
