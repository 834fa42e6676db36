import type { Turn } from './turn.ts'

/** Who owns work, from the outermost owner to the innermost: a key, a request of it. */
export type Owners = readonly string[]

/** How much time the work of each owner has taken, so that who has had least is next. */
export interface Shares {
  /** What an owner has had, in seconds, that of work which is being done included. Only to be compared with its like. */
  had(owners: Owners): number
  /** Notes that work of an owner waits. Who had none has had no less than a fair share. */
  arrive(turn: Turn): void
  /** Notes that it waits no longer. */
  leave(turn: Turn): void
  /** Notes that work of an owner begins; returns how to note its end. */
  serve(turn: Turn): () => void
}

/** An owner, and those below it. */
interface Share {
  readonly below: Map<string, Share>
  /** In seconds. */
  had: number
  /** What a fair share is for those below, in seconds, since the beginning. */
  fair: number
  /** How many of those below have work. */
  active: number
  waiting: number
  running: number
  /** The sum of the moments at which what is being done began, in milliseconds. */
  begun: number
}

const newShare = (): Share => ({ below: new Map(), had: 0, fair: 0, active: 0, waiting: 0, running: 0, begun: 0 })

const isActive = ({ waiting, running }: Share) => waiting + running > 0

/** Where so many are known, those without work are forgotten: a key that asks no longer, a request that has ended. */
const MAX_KNOWN = 1000

function shareOf({ below }: Share, name: string): Share {
  const known = below.get(name)
  if (known !== undefined) return known
  const idle =
    below.size >= MAX_KNOWN && below.size % MAX_KNOWN === 0 ? [...below].filter(([, one]) => !isActive(one)) : []
  for (const [other] of idle) below.delete(other)
  const fresh = newShare()
  below.set(name, fresh)
  return fresh
}

/**
 * Creates the account. It is fair queueing by virtual time (Demers, Keshav and Shenker 1989,
 * https://doi.org/10.1145/75247.75248), at two levels, with costs that are known afterwards: nobody saves time up by
 * asking for nothing, nobody gains by asking in many requests, and nobody waits for ever.
 */
export function createShares(now = () => performance.now()): Shares {
  const root = newShare()

  const total = ({ had, running, begun }: Share) => had + (running * now() - begun) / 1000

  function ownersOf({ key, request }: Pick<Turn, 'key' | 'request'>) {
    const outer = shareOf(root, key)
    return [
      { above: root, own: outer },
      { above: outer, own: shareOf(outer, request) },
    ]
  }

  /** Changes an owner's counts, and keeps those above in step. */
  function change(turn: Pick<Turn, 'key' | 'request'>, update: (own: Share, above: Share) => void): void {
    for (const { above, own } of ownersOf(turn)) {
      const was = isActive(own)
      if (!was) own.had = Math.max(own.had, above.fair)
      update(own, above)
      above.active += Number(isActive(own)) - Number(was)
    }
  }

  return {
    had: ([key = '', request]) => {
      const outer = root.below.get(key)
      const own = request === undefined ? outer : outer?.below.get(request)
      return own === undefined ? 0 : total(own)
    },
    arrive: (turn) => change(turn, (own) => void (own.waiting += 1)),
    leave: (turn) => change(turn, (own) => void (own.waiting -= 1)),
    serve({ key, request }) {
      const began = now()
      let isServed = false
      change({ key, request }, (own) => {
        own.running += 1
        own.begun += began
      })
      return function ended() {
        if (isServed) return
        isServed = true
        const seconds = (now() - began) / 1000
        change({ key, request }, (own, above) => {
          own.running -= 1
          own.begun -= began
          own.had += seconds
          above.fair += seconds / above.active
        })
      }
    },
  }
}
