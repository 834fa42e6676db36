import type { Problem } from '../stream/problem.ts'
import { createPictures, type Pictures } from './pictures.ts'
import { afterEvent, NOT_BEGUN, type Reading, type ReadingEvent } from './reading.ts'

/** A document on the screen. */
export interface OpenDocument {
  readonly id: number
  readonly file: File
  readonly pictures: Pictures
  readonly reading: Reading
  /** What it was last read with; null: it has not been. */
  readonly readWith: ReadWith | null
}

/** What decides how a document is read. */
export type ReadWith = Pick<PlaygroundState, 'model' | 'options'>

/** What is on the screen. */
export interface PlaygroundState {
  readonly documents: readonly OpenDocument[]
  /** Of the document that is looked at; null: there is none. */
  readonly current: number | null
  readonly models: readonly string[]
  readonly model: string
  /** The options that differ from their defaults. */
  readonly options: Readonly<Record<string, unknown>>
  /** The JSON Schema of the options; null: the gateway describes none. */
  readonly schema: Readonly<Record<string, unknown>> | null
  readonly hasKey: boolean
  /** Why a key is asked for; null: none is. */
  readonly keyProblem: Problem | null
  /** Why the models cannot be listed; null: they can. */
  readonly problem: Problem | null
}

/** What is on the screen, and what changes it. */
export interface Screen {
  readonly state: () => PlaygroundState
  readonly subscribe: (listener: () => void) => () => void
  readonly set: (changes: Partial<PlaygroundState>) => void
  readonly find: (id: number) => OpenDocument | null
  /** Adds documents; returns their ids. */
  readonly add: (files: readonly File[]) => readonly number[]
  readonly remove: (id: number) => void
  /** Notes that a document is read with what is set now. */
  readonly begin: (id: number) => ReadWith
  /** Has something happen to the reading of a document. */
  readonly happen: (id: number, event: ReadingEvent) => void
}

const NOTHING: PlaygroundState = {
  documents: [],
  current: null,
  models: [],
  model: 'default',
  options: {},
  schema: null,
  hasKey: false,
  keyProblem: null,
  problem: null,
}

/** What a screen needs from around it. */
export interface ScreenClock {
  readonly now: () => number
  /** Calls back once the screen is about to be painted. */
  readonly beforePaint: (callback: () => void) => void
}

/** Creates a screen with nothing on it. Who listens hears of many changes at once: as often as is painted. */
export function createScreen({ now, beforePaint }: ScreenClock): Screen {
  const listeners = new Set<() => void>()
  let state = NOTHING
  let lastId = 0
  let isToldSoon = false

  const tell = (): void => {
    isToldSoon = false
    for (const listener of listeners) listener()
  }
  const set = (changes: Partial<PlaygroundState>): void => {
    state = { ...state, ...changes }
    if (isToldSoon) return
    isToldSoon = true
    beforePaint(tell)
  }
  const find = (id: number): OpenDocument | null => state.documents.find((each) => each.id === id) ?? null
  return {
    state: () => state,
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    set,
    find,
    add: (files) => {
      const opened = files.map((file) => ({
        id: ++lastId,
        file,
        pictures: createPictures(),
        reading: NOT_BEGUN,
        readWith: null,
      }))
      set({ documents: [...state.documents, ...opened], current: opened[0]?.id ?? state.current })
      return opened.map(({ id }) => id)
    },
    remove: (id) => {
      find(id)?.pictures.clear()
      const documents = state.documents.filter((each) => each.id !== id)
      set({ documents, current: state.current === id ? (documents.at(-1)?.id ?? null) : state.current })
    },
    begin: (id) => {
      const { model, options } = state
      set({
        documents: state.documents.map((each) => (each.id === id ? { ...each, readWith: { model, options } } : each)),
      })
      return { model, options }
    },
    happen: (id, event) => {
      if (event.type === 'preview') find(id)?.pictures.keep(event.preview.page, event.preview.image)
      const documents = state.documents.map((each) =>
        each.id === id ? { ...each, reading: afterEvent(each.reading, event, now()) } : each,
      )
      set({ documents })
    },
  }
}
