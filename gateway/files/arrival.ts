import { GatewayError } from '../errors.ts'
import type { BlobStore, Written } from './blob-store.ts'
import type { Quota } from './quota.ts'
import { asStorageFailure } from './storage-failure.ts'

/** Bytes that have arrived, and belong to nothing yet. */
export interface Arrival extends Written {
  readonly id: string
  /** Notes what they belong to; where that throws, nothing of them is left. */
  keep<T>(note: () => Promise<T>): Promise<T>
  /** Forgets them; does nothing where they were kept. */
  discard(): Promise<void>
}

/** Bytes on their way. */
export interface Arriving {
  readonly id: string
  readonly owner: string
  readonly pieces: AsyncIterable<Uint8Array>
  /** How many are expected at least. */
  readonly announced: number
}

/** Writes bytes as they arrive, as long as there is room. Throws `storage_full` and `storage_unavailable`. */
export async function arrive(
  { id, owner, pieces, announced }: Arriving,
  { blobs, quota }: { readonly blobs: BlobStore; readonly quota: Quota },
): Promise<Arrival> {
  const hold = quota.hold(owner)
  let isOver = false
  const end = async (isKept: boolean): Promise<void> => {
    if (isOver) return
    isOver = true
    hold.release()
    if (!isKept) await blobs.remove([id])
  }
  try {
    await hold.admit(announced)
    const written = await blobs.write(id, pieces, (bytes) => hold.admit(bytes))
    return { id, ...written, keep: (note) => keep(note, end), discard: () => end(false) }
  } catch (thrown) {
    hold.release()
    throw asStorageFailure(thrown)
  }
}

async function keep<T>(note: () => Promise<T>, end: (isKept: boolean) => Promise<void>): Promise<T> {
  try {
    const noted = await note()
    await end(true)
    return noted
  } catch (error) {
    await end(isUncertain(error))
    throw error
  }
}

/** Tells whether a change may have happened: what belongs to it is left to the sweeper, which can ask later. */
export function isUncertain(error: unknown): boolean {
  return error instanceof GatewayError && error.code === 'storage_unavailable'
}
