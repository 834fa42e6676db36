import type { BlobStore } from '../files/blob-store.ts'
import type { Batch } from './batch.ts'
import { openIndex, type LineIndex } from './line-index.ts'
import { indexName } from './names.ts'

/** The indexes of the batches whose lines are run now. */
export interface IndexCache {
  /** Throws where it is gone: nobody can tell where the lines stand. */
  get(batch: Batch): Promise<LineIndex>
}

/** Each may take some megabytes. */
const MAX_HELD = 8

/** Creates the cache; those that were asked for last are held. */
export function createIndexCache(blobs: BlobStore): IndexCache {
  const held = new Map<string, Promise<LineIndex>>()
  return {
    async get({ id, lines }) {
      const known = held.get(id) ?? opened(blobs, id, lines)
      held.delete(id)
      held.set(id, known)
      const [oldest] = held.keys()
      if (held.size > MAX_HELD && oldest !== undefined) held.delete(oldest)
      try {
        return await known
      } catch (error) {
        held.delete(id)
        throw error
      }
    },
  }
}

async function opened(blobs: BlobStore, id: string, lines: number): Promise<LineIndex> {
  const index = await openIndex(blobs, indexName(id), lines)
  if (index === null) throw new Error(`The index of the batch ${id} is gone.`)
  return index
}
