import type { TestContext } from 'node:test'

const stacks = new WeakMap<TestContext, AsyncDisposableStack>()

/** Returns what is closed after a test, the last first; hooks would be called the first first. */
export function closingOf(t: TestContext): AsyncDisposableStack {
  const known = stacks.get(t)
  if (known !== undefined) return known
  const closing = new AsyncDisposableStack()
  stacks.set(t, closing)
  t.after(() => closing.disposeAsync())
  return closing
}
