/** What a user, or the system, has asked for by a signal. */
export interface Interrupts extends Disposable {
  /** Aborted by the first signal: nothing new is begun. */
  readonly stopping: AbortSignal
  /** Aborted by the second one: what runs is left. */
  readonly cut: AbortSignal
  /** Which signal it was. */
  readonly first: () => NodeJS.Signals | null
}

/** Ctrl-C reaches a process that npm has started twice: from the terminal, and from npm. In milliseconds. */
const SAME_SIGNAL = 500

/** Listens to the signals that end a process. `onStop` is called at the first one. */
export function listenForInterrupts(onStop: () => void): Interrupts {
  const [stopping, cut] = [new AbortController(), new AbortController()]
  let first: NodeJS.Signals | null = null
  let since = 0
  const listen = (signal: NodeJS.Signals): void => {
    if (first === null) {
      first = signal
      since = performance.now()
      onStop()
      stopping.abort()
    } else if (performance.now() - since > SAME_SIGNAL) cut.abort()
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, listen)
  const launcher = watchLauncher(() => {
    stopping.abort()
    cut.abort()
  })
  return {
    stopping: stopping.signal,
    cut: cut.signal,
    first: () => first,
    [Symbol.dispose]() {
      for (const signal of signals) process.off(signal, listen)
      clearInterval(launcher)
    },
  }
}

/** The process that stands for this one in its shell may be killed without passing that on. */
function watchLauncher(end: () => void): NodeJS.Timeout | undefined {
  const launcher = Number(process.env['OCR_LAUNCHER'] ?? NaN)
  if (process.ppid !== launcher) return undefined
  return setInterval(() => {
    if (process.ppid !== launcher) end()
  }, 1000).unref()
}
