import type { StatusSnapshot } from '../../../wire/status.ts'
import type { AdminKey } from './admin-key.ts'
import { KeyRefused, type FollowOptions } from './stream.ts'

/** How the page and the gateway are connected. */
export type Link =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  | { readonly kind: 'paused' }
  | { readonly kind: 'lost'; readonly why: string; readonly retryInSeconds: number }
  | { readonly kind: 'refused'; readonly why: string; readonly hadKey: boolean }

/** What the page shows. */
export interface StatusState {
  readonly link: Link
  /** The last that was heard. */
  readonly snapshot: StatusSnapshot | null
  readonly hasKey: boolean
}

/** The page's state, and what changes it. */
export interface StatusStore {
  get(): StatusState
  /** Calls back at each change; returns how to end that. */
  subscribe(listener: () => void): () => void
  pause(): void
  resume(): void
  retryNow(): void
  setKey(key: string | null): void
  /** A page that is hidden does not watch. */
  setHidden(isHidden: boolean): void
}

/** What it is made with. */
export interface StatusStoreOptions {
  readonly key: AdminKey
  readonly follow: (options: FollowOptions) => Promise<never>
  readonly now: () => number
}

/** How long is waited before each try, in seconds; the last one holds for all that follow. */
const WAITS = [1, 2, 4, 8, 15]

/** Creates it; it watches when it is told that the page is not hidden. */
export function createStatusStore({ key, follow, now }: StatusStoreOptions): StatusStore {
  let state: StatusState = { link: { kind: 'connecting' }, snapshot: null, hasKey: key.get() !== null }
  const listeners = new Set<() => void>()
  let isHidden = true
  let isPaused = false
  let run: AbortController | null = null

  function set(next: Partial<StatusState>): void {
    state = { ...state, ...next }
    for (const listener of listeners) listener()
  }

  function stop(): void {
    run?.abort()
    run = null
  }

  /** Begins to watch, anew if it does already. */
  function start(): void {
    stop()
    if (isHidden || isPaused) return
    run = new AbortController()
    void watch(run.signal)
  }

  async function watch(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; failures++) {
      set({ link: { kind: 'connecting' } })
      try {
        await follow({
          key: key.get(),
          signal,
          onSnapshot(snapshot) {
            failures = -1
            set({ snapshot, link: { kind: 'live' } })
          },
        })
      } catch (error) {
        if (signal.aborted) return
        const why = error instanceof Error ? error.message : String(error)
        if (error instanceof KeyRefused) return set({ link: { kind: 'refused', why, hadKey: key.get() !== null } })
        await waitFor(WAITS[Math.min(failures, WAITS.length - 1)] ?? 1, why, signal)
      }
    }
  }

  async function waitFor(seconds: number, why: string, signal: AbortSignal): Promise<void> {
    const until = now() + seconds * 1000
    for (let left = seconds; left > 0 && !signal.aborted; left = Math.ceil((until - now()) / 1000)) {
      set({ link: { kind: 'lost', why, retryInSeconds: left } })
      await pause(Math.min(1000, until - now()), signal)
    }
  }

  return {
    get: () => state,
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    pause() {
      isPaused = true
      stop()
      set({ link: { kind: 'paused' } })
    },
    resume() {
      isPaused = false
      start()
    },
    retryNow: start,
    setKey(next) {
      key.set(next)
      set({ hasKey: next !== null, ...(next === null ? { snapshot: null } : {}) })
      start()
    },
    setHidden(next) {
      if (isHidden === next) return
      isHidden = next
      start()
    },
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.max(0, milliseconds))
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}
