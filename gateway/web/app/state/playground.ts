import { createReadings, problemIn, type ReadingSurroundings } from './readings.ts'
import { createScreen, type PlaygroundState, type Screen, type ScreenClock } from './screen.ts'

/** Where a key is kept, as long as the tab is open. */
export interface KeyStore {
  readonly get: () => string | null
  readonly set: (key: string | null) => void
}

/** What the playground needs from around it. */
export interface Surroundings extends ReadingSurroundings, ScreenClock {
  readonly key: KeyStore
}

/** The playground, without its screen. */
export interface Playground {
  readonly state: () => PlaygroundState
  readonly subscribe: (listener: () => void) => () => void
  /** Asks the gateway what it has to offer. */
  readonly connect: () => Promise<void>
  readonly open: (files: readonly File[]) => void
  readonly show: (id: number) => void
  readonly close: (id: number) => void
  readonly cancel: (id: number) => void
  /** Goes on where a reading ended: known pages come from the cache. */
  readonly goOn: (id: number) => void
  /** Reads everything again. */
  readonly readAgain: (id: number) => void
  /** Tries a document again with a password. */
  readonly unlock: (id: number, password: string) => void
  readonly setModel: (model: string) => void
  readonly setOptions: (options: Readonly<Record<string, unknown>>) => void
  readonly setKey: (key: string | null) => void
  readonly askForKey: (isAsked: boolean) => void
}

/** Creates a playground with nothing on its screen. */
export function createPlayground(around: Surroundings): Playground {
  const screen = createScreen(around)
  const { state, set } = screen
  const readings = createReadings(screen, around)
  const connect = async (): Promise<void> => {
    await learn(screen, around)
    readings.next()
  }
  set({ hasKey: around.key.get() !== null })
  return {
    state,
    subscribe: screen.subscribe,
    connect,
    open: (files) => {
      screen.add(files)
      readings.next()
    },
    show: (id) => set({ current: id }),
    close: (id) => {
      screen.remove(id)
      readings.forget(id)
    },
    cancel: readings.stop,
    goOn: (id) => readings.queue(id),
    readAgain: (id) => readings.queue(id, { isRefresh: true }),
    unlock: (id, password) => readings.queue(id, { password }),
    setModel: (model) => set({ model }),
    setOptions: (options) => set({ options }),
    setKey: (key) => {
      around.key.set(key)
      set({ hasKey: key !== null, keyProblem: null })
      void connect()
    },
    askForKey: (isAsked) => set({ keyProblem: isAsked ? { status: 401, code: null, message: '' } : null }),
  }
}

/** Asks what models there are, and which options. */
async function learn({ state, set }: Screen, { gateway }: Surroundings): Promise<void> {
  try {
    const models = await gateway.models()
    const { model } = state()
    set({ models, model: models.includes(model) ? model : (models[0] ?? model), problem: null, keyProblem: null })
    set({ schema: await gateway.optionsSchema() })
  } catch (error) {
    const problem = problemIn(error)
    set(problem.status === 401 ? { keyProblem: problem } : { problem })
  }
}
