import type { StatusSnapshot } from '../../../wire/status.ts'
import type { KeyStore } from '../state/playground.ts'
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
  readonly key: KeyStore
  readonly follow: (options: FollowOptions) => Promise<never>
  readonly now: () => number
}

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

  /** Begins to watch, anew if it does already; or stops. */
  function watchAnew(): void {
    run?.abort()
    run = null
    if (isHidden || isPaused) return
    run = new AbortController()
    void watch({ key, follow, now, set }, run.signal)
  }

  return {
    get: () => state,
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    pause() {
      isPaused = true
      watchAnew()
      set({ link: { kind: 'paused' } })
    },
    resume() {
      isPaused = false
      watchAnew()
    },
    retryNow: watchAnew,
    setKey(next) {
      key.set(next)
      set({ hasKey: next !== null, ...(next === null ? { snapshot: null } : {}) })
      watchAnew()
    },
    setHidden(next) {
      if (isHidden === next) return
      isHidden = next
      watchAnew()
    },
  }
}

/** How long is waited before each try, in seconds; the last one holds for all that follow. */
const WAITS = [1, 2, 4, 8, 15]

interface Watching extends StatusStoreOptions {
  readonly set: (next: Partial<StatusState>) => void
}

/** Watches until the signal fires, or the gateway wants another key. */
async function watch({ key, follow, now, set }: Watching, signal: AbortSignal): Promise<void> {
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
      const seconds = WAITS[Math.min(Math.max(0, failures), WAITS.length - 1)] ?? 1
      await countDown(seconds, (left) => set({ link: { kind: 'lost', why, retryInSeconds: left } }), now, signal)
    }
  }
}

/** Waits for so many seconds, and says each second how many are left. */
async function countDown(
  seconds: number,
  onLeft: (left: number) => void,
  now: () => number,
  signal: AbortSignal,
): Promise<void> {
  const until = now() + seconds * 1000
  for (let left = seconds; left > 0 && !signal.aborted; left = Math.ceil((until - now()) / 1000)) {
    onLeft(left)
    await pause(Math.min(1000, until - now()), signal)
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.max(0, milliseconds))
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}
