import type { StatusSnapshot } from '../wire/status.ts'
import { createAudience, type OnEnd } from './audience.ts'

/** Those who watch the status of the gateway, each by a stream of events. */
export interface Watchers {
  /** Lets one more watch; null: too many do. `onEnd` is called once, when the stream is over. */
  watch(onEnd: OnEnd): ReadableStream<Uint8Array> | null
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

const encoder = new TextEncoder()
/** Asks a client that was cut off to come again after so many milliseconds. */
const HELLO = encoder.encode('retry: 2000\n\n')
const HEARTBEAT = encoder.encode(': nothing new\n\n')

const eventOf = (snapshot: StatusSnapshot): Uint8Array =>
  encoder.encode(`event: status\ndata: ${JSON.stringify(snapshot)}\n\n`)

/**
 * Creates it. All watchers share one timer, one look and one encoding of it; when nobody watches there is no timer. A look
 * that is late is replaced by a heartbeat. When the gateway drains, the last event says so, and the streams end.
 */
export function createWatchers({ look, onWatched, everyMs = EVERY_MS }: WatchersOptions): Watchers {
  let timer: NodeJS.Timeout | undefined
  let isLooking = false
  const audience = createAudience(() => {
    clearInterval(timer)
    onWatched(false)
  })

  async function tick(): Promise<void> {
    if (isLooking) return audience.send(HEARTBEAT)
    isLooking = true
    try {
      const snapshot = await look()
      audience.send(eventOf(snapshot))
      if (snapshot.gateway.state === 'draining') audience.close()
    } catch {
      audience.send(HEARTBEAT)
    } finally {
      isLooking = false
    }
  }

  return {
    watch(onEnd) {
      if (audience.size >= MAX_WATCHERS) return null
      const joined = audience.join(onEnd)
      if (audience.size === 1) {
        onWatched(true)
        timer = setInterval(() => void tick(), everyMs)
      }
      joined.send(HELLO)
      void look().then(
        (snapshot) => joined.send(eventOf(snapshot)),
        () => joined.send(HEARTBEAT),
      )
      return joined.stream
    },
    get count() {
      return audience.size
    },
    close: () => audience.close(),
  }
}
