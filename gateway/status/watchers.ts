import type { StatusSnapshot } from '../wire/status.ts'

/** Those who watch the status of the gateway, each by a stream of events. */
export interface Watchers {
  /** Lets one more watch; null: too many do. `onEnd` is called once, when the stream is over. */
  watch(onEnd: () => void): ReadableStream<Uint8Array> | null
  readonly count: number
  /** Ends all streams. */
  close(): void
}

/** What is watched. */
export interface WatchersOptions {
  readonly look: () => Promise<StatusSnapshot>
  /** Called when somebody begins to watch and nobody did, and when nobody does any more. */
  readonly onWatched: (isWatched: boolean) => void
  /** Between two looks, in milliseconds. */
  readonly everyMs?: number
}

/** Operators with a page open each, and some that were forgotten. */
export const MAX_WATCHERS = 20
const EVERY_MS = 1000
/** So many looks in a row that found no room in a stream: nobody reads it any more. */
const MAX_SKIPPED = 10
/** What waits in a stream, in events. */
const MAX_WAITING = 2
/** How long a client waits before it comes again, in milliseconds. */
const RETRY_MS = 2000

interface Watcher {
  readonly controller: ReadableStreamDefaultController<Uint8Array>
  readonly end: () => void
  skipped: number
}

const encoder = new TextEncoder()
const HEARTBEAT = encoder.encode(': nothing new\n\n')
const eventOf = (snapshot: StatusSnapshot): Uint8Array =>
  encoder.encode(`event: status\ndata: ${JSON.stringify(snapshot)}\n\n`)

/**
 * Creates it. All watchers share one timer, one look and one encoding of it; when nobody watches there is no timer. A look
 * that is late is replaced by a heartbeat. When the gateway drains, the last event says so, and the streams end.
 */
export function createWatchers({ look, onWatched, everyMs = EVERY_MS }: WatchersOptions): Watchers {
  const watchers = new Set<Watcher>()
  let timer: NodeJS.Timeout | undefined
  let isLooking = false

  function send(bytes: Uint8Array): void {
    for (const watcher of Array.from(watchers)) {
      if ((watcher.controller.desiredSize ?? 0) > 0) {
        watcher.controller.enqueue(bytes)
        watcher.skipped = 0
      } else if (++watcher.skipped >= MAX_SKIPPED) {
        watcher.controller.error(new Error('The watcher does not read.'))
        watcher.end()
      }
    }
  }

  async function tick(): Promise<void> {
    if (isLooking) return send(HEARTBEAT)
    isLooking = true
    try {
      const snapshot = await look()
      send(eventOf(snapshot))
      if (snapshot.gateway.state === 'draining') close()
    } catch {
      send(HEARTBEAT)
    } finally {
      isLooking = false
    }
  }

  async function greet(watcher: Watcher): Promise<void> {
    const bytes = await look().then(eventOf, () => HEARTBEAT)
    if (watchers.has(watcher)) watcher.controller.enqueue(bytes)
  }

  function add(watcher: Watcher): void {
    watchers.add(watcher)
    watcher.controller.enqueue(encoder.encode(`retry: ${RETRY_MS}\n\n`))
    if (watchers.size === 1) {
      onWatched(true)
      timer = setInterval(() => void tick(), everyMs)
    }
    void greet(watcher)
  }

  function remove(watcher: Watcher): void {
    if (!watchers.delete(watcher) || watchers.size > 0) return
    clearInterval(timer)
    onWatched(false)
  }

  function close(): void {
    for (const { controller, end } of Array.from(watchers)) {
      controller.close()
      end()
    }
  }

  return {
    watch(onEnd) {
      if (watchers.size >= MAX_WATCHERS) return null
      let end: () => void = () => {}
      return new ReadableStream(
        {
          start(controller) {
            const watcher: Watcher = { controller, end: () => end(), skipped: 0 }
            end = () => {
              end = () => {}
              remove(watcher)
              onEnd()
            }
            add(watcher)
          },
          cancel: () => end(),
        },
        { highWaterMark: MAX_WAITING },
      )
    },
    get count() {
      return watchers.size
    },
    close,
  }
}
