import type { AdaptiveLimit, SentPage } from '../../../gateway/upstream/adaptive-limit.ts'
import { seededRandom } from '../../support/seeded-random.ts'

/** A server under a clock that nobody waits for. */
export interface SimulatedServer {
  /** Pages that run at once, the others wait in line; null: all run, and share one processor as vLLM's do. */
  readonly places: number | null
  /** How long a page takes, in seconds: with others at a shared processor `seconds + share * running`. */
  readonly seconds: number
  readonly share?: number
  /** Pages take this much more or less, by chance: 0.3 is 30 %. */
  readonly jitter?: number
}

/** What happens to the server while it reads. */
export interface SimulatedRun {
  readonly server: SimulatedServer
  readonly pages: number
  /** Pages that are wanted at a time; left out: all. */
  readonly demand?: number
  /** Another server from this page on. */
  readonly later?: { readonly afterPages: number; readonly server: SimulatedServer }
}

/** How a run went. */
export interface SimulatedOutcome {
  /** Of the virtual clock. */
  readonly seconds: number
  /** Every limit that there was, from the first to the last. */
  readonly limits: readonly number[]
}

/** A clock that only the simulation turns; in milliseconds, as AdaptiveLimitOptions.now. */
export interface VirtualClock {
  now: number
  /** What is to be called when it is so late. */
  readonly timers: { readonly at: number; readonly run: () => void }[]
}

/** Turns the clock, and calls what is due until then. */
export function turnClock(clock: VirtualClock, until: number): void {
  for (;;) {
    const [next] = clock.timers.toSorted((one, other) => one.at - other.at)
    if (next === undefined || next.at > until) break
    clock.timers.splice(clock.timers.indexOf(next), 1)
    clock.now = next.at
    next.run()
  }
  clock.now = until
}

interface Job {
  readonly page: SentPage
  /** Seconds of work left at full speed. */
  left: number
}

/** Has a server read pages, as many at a time as the limit says, and turns the clock from answer to answer. */
export function simulate(limit: AdaptiveLimit, clock: VirtualClock, run: SimulatedRun): SimulatedOutcome {
  const { pages, demand = Infinity } = run
  const startedAt = clock.now
  const waiting: Job[] = []
  const running: Job[] = []
  const limits = [limit.current]
  const random = seededRandom(1)
  let sent = 0
  let answered = 0
  const server = () => (run.later !== undefined && answered >= run.later.afterPages ? run.later.server : run.server)
  const work = ({ seconds, jitter = 0 }: SimulatedServer) => seconds * (1 + jitter * (random.next() * 2 - 1))
  const speed = ({ places, seconds, share = 0 }: SimulatedServer) =>
    places === null ? seconds / (seconds + share * running.length) : 1
  /** Returns whether there is something to begin. */
  const send = (): boolean => {
    while (sent < pages && sent - answered < Math.min(limit.current, demand)) {
      sent += 1
      waiting.push({ page: limit.sent(sent - answered), left: work(server()) })
    }
    if (sent < pages && sent - answered < demand) limit.wanted()
    return waiting.length > 0 && running.length < (server().places ?? Infinity)
  }
  while (answered < pages) {
    // A page that begins may make room for others.
    while (send()) {
      const job = waiting.shift() as Job
      job.page.begun()
      running.push(job)
    }
    const pace = speed(server())
    const due = Math.min(...clock.timers.map(({ at }) => at))
    const step = Math.min(...running.map(({ left }) => left), (pace * Math.max(0, due - clock.now)) / 1000)
    turnClock(clock, clock.now + (step / pace) * 1000)
    for (const job of running) job.left -= step
    for (const job of running.filter(({ left }) => left < 1e-9)) {
      running.splice(running.indexOf(job), 1)
      job.page.answered()
      job.page.left()
      answered += 1
    }
    if (limit.current !== limits.at(-1)) limits.push(limit.current)
  }
  return { seconds: (clock.now - startedAt) / 1000, limits }
}
