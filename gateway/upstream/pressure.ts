import { startTimeLimit } from '../schedule/time-limit.ts'
import { readServerLoad, type ServerLoad } from '../wire/vllm-metrics.ts'
import type { UpstreamConnection } from './connection.ts'
import { readShortBody } from './short-body.ts'

/** What `/metrics` says of it. */
export interface PressureStatus {
  /** What the server says of its own work; null: nothing, lately. */
  readonly load: ServerLoad | null
  /** It is sent no page while it has one. */
  readonly isHeldBack: boolean
}

/** What a server says of its own work, and whether it is sent no more pages for that. */
export interface Pressure {
  status(): PressureStatus
  /** Whether a server that has so many pages is sent no more. One always may run: its cache may be full of others' work. */
  holdsBack(pages: number): boolean
  /** Asks it, and again every second, or four times a second, where pages may be held back, or its figures are listened to. Never throws. */
  read(signal: AbortSignal): Promise<void>
  /** Asks it as often from now on, where its figures are listened to and it was asked before. */
  listen(): void
}

/** When pages are held back, and who is told. */
export interface PressureOptions {
  /** Asks the server; null: it does not say. Never throws. */
  readonly ask: (signal: AbortSignal) => Promise<ServerLoad | null>
  /** The share of its KV cache from which on a server is sent no more pages; null: none. */
  readonly maxKvCacheUsage: number | null
  /** Who is told each answer, and may have it asked for more often; left out: nobody. */
  readonly listener?: {
    wantsFigures(): 'nothing' | 'answers' | 'answers soon'
    serverSaid(load: ServerLoad | null): void
  }
  /** Called when pages are held back from now on, or no more. */
  readonly onChange: () => void
  readonly onLog: (level: 'info' | 'warn', message: string) => void
  /** Milliseconds that never run backwards. */
  readonly now?: () => number
}

/** Pages are sent again when it has fallen by so much of the share. */
const FALL = 0.1
/** How often a server is asked where pages may be held back: its cache fills within seconds. In milliseconds. */
const ASK_EVERY = 1000
/** The same, where its figures are needed soon. */
const ASK_SOON = 250
/** What was said longer ago says nothing. In milliseconds. */
const STALE = 30_000
/** The same, where pages are held back for it. */
const STALE_HOLD = 5000
const TIMEOUT = 2000
/** vLLM says about 100 KB, and a router to many engines more. */
const MAX_BYTES = 8 * 1024 * 1024

/** Creates it; a server that says nothing of its cache is never held back. */
export function createPressure(options: PressureOptions): Pressure {
  const { ask, maxKvCacheUsage: max, listener, onChange, onLog } = options
  const { now = () => performance.now() } = options
  let said: ServerLoad | null = null
  let saidAt = -Infinity
  let isHigh = false

  function note(load: ServerLoad | null): void {
    if (load !== null) [said, saidAt] = [load, now()]
    const usage = now() - saidAt < STALE_HOLD ? (said?.kvCacheUsage ?? null) : null
    const next = max !== null && usage !== null && usage >= (isHigh ? max * (1 - FALL) : max)
    if (next === isHigh) return
    isHigh = next
    if (isHigh) onLog('warn', HELD)
    else onLog('info', SENT)
    onChange()
  }

  let timer: NodeJS.Timeout | undefined
  /** How often it is being asked, when it was asked last, and until when it may be. */
  let [asking, askedAt, until]: [number, number, AbortSignal | null] = [0, -Infinity, null]
  async function read(signal: AbortSignal): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    asking += 1
    askedAt = now()
    until = signal
    const load = await ask(signal)
    asking -= 1
    note(load)
    listener?.serverSaid(load)
    // One that says nothing of its cache is asked again with all others.
    const isWatched = max !== null && (said?.kvCacheUsage ?? null) !== null
    const wants = listener?.wantsFigures() ?? 'nothing'
    // Whoever asks last goes on.
    if (asking > 0 || signal.aborted || (!isWatched && wants === 'nothing')) return
    clearTimeout(timer)
    timer = setTimeout(() => void read(signal), pauseFor(wants))
    timer.unref()
  }

  return {
    status: () => ({ load: now() - saidAt < STALE ? said : null, isHeldBack: isHigh }),
    holdsBack: (pages) => isHigh && pages > 0,
    read,
    listen() {
      const wants = listener?.wantsFigures() ?? 'nothing'
      if (until === null || until.aborted || timer !== undefined || asking > 0 || wants === 'nothing') return
      if (now() - askedAt >= pauseFor(wants)) void read(until)
    },
  }
}

const pauseFor = (wants: string) => (wants === 'answers soon' ? ASK_SOON : ASK_EVERY)

const HELD = 'upstream is sent no more pages: its KV cache is fuller than GATEWAY_MAX_KV_CACHE_USAGE'
const SENT = 'upstream is sent pages again: its KV cache has room'

/** Asks a server for what it says of its work; null: it is not vLLM, or does not say so in time. Never throws. */
export async function askLoad(connection: UpstreamConnection, signal: AbortSignal): Promise<ServerLoad | null> {
  try {
    using limit = startTimeLimit(TIMEOUT, () => new DOMException('It took too long.', 'TimeoutError'), signal)
    const response = await connection.send({ method: 'GET', path: '/../metrics' }, limit.signal)
    const { text, problem } = await readShortBody(response, MAX_BYTES)
    return response.status === 200 && problem === null ? readServerLoad(text) : null
  } catch {
    return null
  }
}
