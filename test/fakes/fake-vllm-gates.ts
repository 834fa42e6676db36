/** Something that can be shut for a while: who comes then waits. */
export interface Gate {
  readonly isOpen: boolean
  open(): void
  shut(): void
  /** Resolves once it is open. Throws the signal's reason when aborted before. */
  pass(signal: AbortSignal): Promise<void>
}

/** Creates a gate that is open. */
export function createGate(): Gate {
  const state: { shut: PromiseWithResolvers<void> | null } = { shut: null }
  return {
    get isOpen() {
      return state.shut === null
    },
    open() {
      state.shut?.resolve()
      state.shut = null
    },
    shut() {
      state.shut ??= Promise.withResolvers()
    },
    async pass(signal) {
      signal.throwIfAborted()
      while (state.shut !== null) await orAborted(state.shut.promise, signal)
    },
  }
}

async function orAborted(opened: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const leave = () => reject(signal.reason)
  signal.addEventListener('abort', leave, { once: true })
  try {
    await Promise.race([opened, aborted])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

/**
 * The engine behind the server, as vLLM's `sleep?mode=abort` treats it (vllm/v1/core/sched/scheduler.py, `PauseState`):
 * what runs is finished as aborted, and what comes is queued and not scheduled before `wake_up`.
 */
export interface FakeEngine {
  readonly isSleeping: boolean
  sleep(): void
  wake(): void
  /** Resolves once the engine is awake, with the signal that fires when it is put to sleep. */
  admit(signal: AbortSignal): Promise<AbortSignal>
}

/** Creates an engine that is awake. */
export function createFakeEngine(): FakeEngine {
  const gate = createGate()
  let sleeping = new AbortController()
  return {
    get isSleeping() {
      return !gate.isOpen
    },
    sleep() {
      gate.shut()
      sleeping.abort()
    },
    wake() {
      sleeping = new AbortController()
      gate.open()
    },
    async admit(signal) {
      await gate.pass(signal)
      return sleeping.signal
    },
  }
}
