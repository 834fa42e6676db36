import { GatewayError } from '../errors.ts'

/** What is stored. */
export interface Stored {
  readonly items: number
  readonly bytes: number
}

/** How much may be stored. */
export interface QuotaOptions {
  readonly maxBytes: number
  /** Whether several keys share it: then none of them may take all of it. */
  readonly isShared: boolean
}

/** How many bytes all files may take, and those of one owner. */
export interface Limits {
  readonly all: number
  readonly owner: number
}

/** Room for what is on its way. */
export interface Hold {
  /** Makes it as large as needed. Throws `storage_full`. */
  admit(bytes: number): Promise<void>
  release(): void
}

/** How much may be stored, by all keys and by each. */
export interface Quota {
  readonly limits: Limits
  /** Room in this process: what is on its way to others is not seen, and refused only when it has come. */
  hold(owner: string): Hold
  /** Throws `storage_full` where so much more would be too much, whatever is on its way. */
  check(owner: string, bytes: number): Promise<void>
}

/** The most that one of several keys may take. */
const SHARE_OF_KEY = 3 / 4
/** What the smallest file takes on a disk. */
export const LEAST_BYTES = 4096
/** What is on its way may grow by so much before it is looked up again what is stored. */
const LOOK_EVERY = 1024 * 1024

/** What is stored, by whom: by all, and by one owner. */
interface StoredBy {
  readonly all: Stored
  readonly owner: Stored
}

/** Throws `storage_full` where there is no room for so many more bytes. */
export function expectRoom({ all, owner }: StoredBy, bytes: number, limits: Limits): void {
  expectWithin({ all: taken(all), owner: taken(owner) }, Math.max(bytes, LEAST_BYTES), limits)
}

/** Returns the error of a limit that would be exceeded. */
export function isFull(which: keyof Limits, limits: Limits): GatewayError {
  const what = which === 'all' ? 'all files together' : 'the files of one key'
  return new GatewayError(
    'storage_full',
    `There is no room for the file: ${what} may take ${limits[which]} bytes (GATEWAY_MAX_STORED_BYTES). Delete files that are not needed any more.`,
  )
}

function expectWithin(sizes: Limits, bytes: number, limits: Limits): void {
  for (const which of ['all', 'owner'] as const) if (sizes[which] + bytes > limits[which]) throw isFull(which, limits)
}

const taken = ({ items, bytes }: Stored): number => Math.max(bytes, items * LEAST_BYTES)

/** Creates a quota; `stored` tells what an owner has, and what all have. */
export function createQuota(
  { maxBytes, isShared }: QuotaOptions,
  stored: (owner: string | null) => Promise<Stored>,
): Quota {
  const holds = new Map<Hold, { readonly owner: string; bytes: number }>()
  const limits = { all: maxBytes, owner: isShared ? Math.floor(maxBytes * SHARE_OF_KEY) : maxBytes }

  const look = async (owner: string): Promise<StoredBy> => {
    const [all, own] = await Promise.all([stored(null), stored(owner)])
    return { all, owner: own }
  }

  function coming(owner: string | null): number {
    const held = holds.values().filter((each) => owner === null || each.owner === owner)
    return held.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  function hold(owner: string): Hold {
    const held = { owner, bytes: 0 }
    let seen: StoredBy | null = null
    let seenAt = 0
    const made: Hold = {
      async admit(bytes) {
        if (bytes <= held.bytes) return
        if (seen === null || bytes - seenAt >= LOOK_EVERY) {
          seen = await look(owner)
          seenAt = bytes
        }
        const sizes = { all: taken(seen.all) + coming(null), owner: taken(seen.owner) + coming(owner) }
        expectWithin(sizes, bytes - held.bytes, limits)
        held.bytes = bytes
      },
      release: () => void holds.delete(made),
    }
    holds.set(made, held)
    return made
  }

  return {
    limits,
    hold,
    check: async (owner, bytes) => expectRoom(await look(owner), bytes, limits),
  }
}
