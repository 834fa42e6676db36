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

/** Room for what is on its way. */
export interface Hold {
  /** Makes it as large as needed. Throws `storage_full`. */
  admit(bytes: number): void
  release(): void
}

/** How much may be stored, by all keys and by each. */
export interface Quota {
  hold(owner: string): Hold
  /** Throws `storage_full` where so much more would be too much, whatever is on its way. */
  check(owner: string, bytes: number): void
}

/** The most that one of several keys may take. */
const SHARE_OF_KEY = 3 / 4
/** What the smallest file takes on a disk. */
const LEAST_BYTES = 4096

/** Creates a quota; `stored` tells what an owner has, and what all have. */
export function createQuota({ maxBytes, isShared }: QuotaOptions, stored: (owner: string | null) => Stored): Quota {
  const holds = new Map<Hold, { readonly owner: string; bytes: number }>()
  const ofOwner = isShared ? Math.floor(maxBytes * SHARE_OF_KEY) : maxBytes

  function taken(owner: string | null): number {
    const { items, bytes } = stored(owner)
    return Math.max(bytes, items * LEAST_BYTES)
  }

  function coming(owner: string | null): number {
    const held = holds.values().filter((each) => owner === null || each.owner === owner)
    return held.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  function check(owner: string, bytes: number, count: (owner: string | null) => number): void {
    if (count(null) + bytes > maxBytes) throw full(`all files together may take ${maxBytes} bytes`)
    if (count(owner) + bytes > ofOwner) throw full(`the files of one key may take ${ofOwner} bytes`)
  }

  return {
    hold(owner) {
      const held = { owner, bytes: 0 }
      const hold: Hold = {
        admit(bytes) {
          const more = bytes - held.bytes
          if (more <= 0) return
          check(owner, more, (whose) => taken(whose) + coming(whose))
          held.bytes = bytes
        },
        release: () => void holds.delete(hold),
      }
      holds.set(hold, held)
      return hold
    },
    check: (owner, bytes) => check(owner, Math.max(bytes, LEAST_BYTES), taken),
  }
}

function full(limit: string): GatewayError {
  return new GatewayError(
    'storage_full',
    `There is no room for the file: ${limit} (GATEWAY_MAX_STORED_BYTES). Delete files that are not needed any more.`,
  )
}
