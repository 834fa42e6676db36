import { GatewayError } from '../errors.ts'

/** A part of the budget. */
export interface Reservation {
  /** Takes more of it, or gives some back. Returns false, and changes nothing, where there is not so much. */
  resize(bytes: number): boolean
  /** Gives all of it back; a second time does nothing. */
  release(): void
}

/** Who asks for a part of the budget. */
export interface Holder {
  /** The name of the API key; null: nobody is told apart. */
  readonly key: string | null
  /** Gives up what is held so slowly that it will not end in time. Called again and again while others wait. */
  readonly endIfLate?: () => void
  /** Returns what is aborted when the holder has left; asked for where it must wait. */
  readonly signal: () => AbortSignal
}

/** The memory that the bodies of all requests may take together. */
export interface ByteBudget {
  readonly held: number
  /** Waits for its turn, for a while. Throws `queue_full`, and the signal's reason. */
  reserve(bytes: number, holder: Holder): Promise<Reservation>
}

/** How a budget is shared. */
export interface BudgetOptions {
  readonly bytes: number
  /** So many bytes always fit where nothing else is held. */
  readonly largest: number
  /** Whether several keys share it: then none of them may hold all of it. */
  readonly isShared: boolean
}

/** What only small bodies may take, so that they are read while large ones arrive. */
const SMALL_BYTES = 1024 * 1024
const SHARE_OF_SMALL = 1 / 8

/** The most that one of several keys may hold of what large bodies may take. */
const SHARE_OF_KEY = 3 / 4

/** How long a body waits for room: a client that waits for longer is better told to come again. */
const PATIENCE_MS = 20_000
const LOOK_MS = 1000

/** Creates a budget. */
export function createByteBudget(options: BudgetOptions): ByteBudget {
  const ledger = createLedger(options)
  const line = createLine(ledger)
  return {
    get held() {
      return ledger.sum()
    },
    async reserve(bytes, holder) {
      const isNext = bytes <= SMALL_BYTES || line.isEmpty()
      return isNext && ledger.fits(bytes, bytes, holder) ? line.take(bytes, holder) : line.wait(bytes, holder)
    },
  }
}

/** Who holds how much. */
interface Ledger {
  readonly sum: () => number
  readonly holders: () => Iterable<Holder>
  /** Tells whether a holder may take more; `size` is what it then holds. */
  readonly fits: (more: number, size: number, holder: Holder) => boolean
  /** Calls back when room was made. */
  readonly take: (bytes: number, holder: Holder, onLess: () => void) => Reservation
}

function createLedger({ bytes: wanted, largest, isShared }: BudgetOptions): Ledger {
  const total = Math.max(wanted, largest / (1 - SHARE_OF_SMALL))
  const forLarge = total * (1 - SHARE_OF_SMALL)
  const holders = new Set<Holder>()
  const byKey = new Map<string | null, number>()
  let sum = 0

  function add(bytes: number, key: string | null): void {
    sum += bytes
    const ofKey = (byKey.get(key) ?? 0) + bytes
    if (ofKey > 0) byKey.set(key, ofKey)
    else byKey.delete(key)
  }

  function fits(more: number, size: number, { key }: Holder): boolean {
    if (size <= SMALL_BYTES) return sum + more <= total
    if (sum + more > forLarge) return false
    const ofKey = byKey.get(key) ?? 0
    // A key's only body may be larger than its share.
    return !isShared || key === null || ofKey + more <= Math.max(forLarge * SHARE_OF_KEY, size)
  }

  return {
    sum: () => sum,
    holders: () => holders,
    fits,
    take(bytes, holder, onLess) {
      let mine = bytes
      holders.add(holder)
      add(bytes, holder.key)
      const resize = (size: number): boolean => {
        const more = size - mine
        if (!holders.has(holder) || (more > 0 && !fits(more, size, holder))) return false
        mine = size
        add(more, holder.key)
        if (more < 0) onLess()
        return true
      }
      return {
        resize,
        release() {
          if (resize(0)) holders.delete(holder)
        },
      }
    },
  }
}

interface Waiter {
  readonly bytes: number
  readonly holder: Holder
  readonly settle: (error?: unknown) => void
}

/** Those that wait for room, in order. */
function createLine({ fits, take: takeFrom, holders }: Ledger) {
  const waiting = new Set<Waiter>()
  let looking: NodeJS.Timeout | undefined
  const take = (bytes: number, holder: Holder): Reservation => takeFrom(bytes, holder, letIn)

  function letIn(): void {
    let isLargeWaiting = false
    for (const waiter of waiting) {
      const { bytes, holder } = waiter
      const isLarge = bytes > SMALL_BYTES
      // Those that came later do not pass a large one; one whose key has its share does not hold up the others.
      if (isLarge && isLargeWaiting) continue
      if (fits(bytes, bytes, holder)) waiter.settle()
      else isLargeWaiting ||= isLarge && !fits(bytes, bytes, { ...holder, key: null })
    }
    if (waiting.size > 0) return
    clearInterval(looking)
    looking = undefined
  }

  /** While others wait, room is not kept for what will not arrive. */
  function endLate(): void {
    for (const { endIfLate } of holders()) endIfLate?.()
    letIn()
  }

  async function wait(bytes: number, holder: Holder): Promise<Reservation> {
    const { promise, resolve, reject } = Promise.withResolvers<Reservation>()
    const signal = holder.signal()
    signal.throwIfAborted()
    const leave = () => waiter.settle(signal.reason)
    const timer = setTimeout(() => waiter.settle(noRoom()), PATIENCE_MS)
    const waiter: Waiter = {
      bytes,
      holder,
      settle(error) {
        clearTimeout(timer)
        signal.removeEventListener('abort', leave)
        waiting.delete(waiter)
        if (error === undefined) resolve(take(bytes, holder))
        else reject(error)
      },
    }
    waiting.add(waiter)
    signal.addEventListener('abort', leave, { once: true })
    looking ??= setInterval(endLate, LOOK_MS)
    endLate()
    return promise
  }

  return { isEmpty: () => waiting.size === 0, take, wait }
}

/** Returns the refusal of a body for which there is no room. */
export function noRoom(): GatewayError {
  return new GatewayError(
    'queue_full',
    'The gateway holds as many bytes of request bodies and downloads as it may (GATEWAY_MAX_BUFFERED_BYTES). Try again in some seconds.',
  )
}
