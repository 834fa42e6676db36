import { readAll, type BlobStore } from '../files/blob-store.ts'
import type { Batch } from './batch.ts'
import { setBit } from './bits.ts'
import { timesWith } from './life-cycle.ts'
import { hashOf, LeftRow, readRow, writeRow } from './redis-row.ts'
import type { RedisBatchStore } from './redis-store.ts'
import type { BatchStore, LineEnd } from './store.ts'

/** A batch that has not ended, and the lines of it that have, see BatchStore.endedLines. */
export interface UnendedBatch {
  readonly batch: Batch
  readonly ended: () => Promise<Uint8Array>
}

/** The batches that replicas share, which a Redis that was emptied does not lose. */
export interface KeptBatchStore extends BatchStore {
  /** Yields all batches that have not ended. Puts back before what Redis has lost, if it was emptied. */
  allUnended(): AsyncGenerator<UnendedBatch>
  /** Tells whether Redis was emptied, and nothing was put back since. */
  wasEmptied(): Promise<boolean>
}

/** What it is made with. */
export interface KeptRowsOptions {
  readonly store: RedisBatchStore
  /** Where the answers to lines are kept, and the rows beside them. */
  readonly blobs: Pick<BlobStore, 'open' | 'write' | 'remove' | 'names'>
  /** Finds out, by what is kept of its lines, which of them have ended, and how. */
  readonly findEnds: (batch: Batch) => Promise<ReadonlyMap<number, LineEnd>>
  /** Told when a row could not be kept, and then an emptied Redis would set the batch back to how it was before; or not put back. */
  readonly onError: (error: unknown) => void
}

const SUFFIX = '.row'
/** An id comes from a client, and becomes a name. */
const ID = /^batch_[\da-z]+$/
/** While others change a batch, too, the last of them keeps how it is then. */
const MAX_WRITES = 5

/** Keeps rows beside the answers to their lines, when a batch is added and at each change of it. */
export function createKeptBatchStore(options: KeptRowsOptions): KeptBatchStore {
  const { store, blobs } = options
  return {
    ...store,
    async add(batch) {
      await write(batch, options)
      try {
        await store.add(batch)
      } catch (error) {
        // Nobody was told of it: an emptied Redis must not get it.
        await blobs.remove([`${batch.id}${SUFFIX}`]).catch(options.onError)
        throw error
      }
    },
    async find(owner, id) {
      const found = (await store.find(null, id)) ?? (await restored(id, options))
      return found === null || (owner !== null && found.owner !== owner) ? null : found
    },
    async change(id, from, change) {
      const changed = await store.change(id, from, change)
      if (changed !== null) await keep(changed, options)
      return changed
    },
    async forget(ids) {
      await blobs.remove(ids.map((id) => `${id}${SUFFIX}`))
      await store.forget(ids)
    },
    wasEmptied: async () => !(await store.isWhole()),
    async *allUnended() {
      await recover(options)
      for (let after = ''; ;) {
        const batches = await store.unendedAfter(after)
        for (const batch of batches) yield { batch, ended: () => store.endedLines(batch.id) }
        const last = batches.at(-1)
        if (last === undefined) return
        after = last.id
      }
    },
  }
}

async function write(batch: Batch, { blobs }: KeptRowsOptions): Promise<void> {
  await blobs.write(`${batch.id}${SUFFIX}`, [Buffer.from(JSON.stringify(hashOf(writeRow(batch))))])
}

async function keep(batch: Batch, options: KeptRowsOptions): Promise<void> {
  try {
    let written = batch
    for (let writes = 0; writes < MAX_WRITES; writes += 1) {
      await write(written, options)
      const now = await options.store.find(null, batch.id)
      if (now === null || now.status === written.status) return
      written = now
    }
  } catch (error) {
    options.onError(error)
  }
}

/** Puts a batch back that Redis does not know, and returns it; null: nobody knows it. */
async function restored(id: string, { store, blobs, findEnds }: KeptRowsOptions): Promise<Batch | null> {
  if (!ID.test(id)) return null
  const bytes = await readAll(blobs, `${id}${SUFFIX}`)
  const kept = bytes === null ? null : readRow(rowIn(bytes))
  if (kept === null) return null
  const { batch, ended } = await withEnds(kept, findEnds)
  await store.restore(batch, ended)
  return store.find(null, id)
}

function rowIn(bytes: Uint8Array): Record<string, string> {
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as Record<string, string>
  } catch {
    // As a row that says nothing.
    return { version: '0' }
  }
}

async function recover(options: KeptRowsOptions): Promise<void> {
  const { store, blobs } = options
  if (await store.isWhole()) return
  for await (const names of blobs.names()) {
    const ids = names.filter((name) => name.endsWith(SUFFIX)).map((name) => name.slice(0, -SUFFIX.length))
    for (const id of ids) await restoreIfLost(id, options)
  }
  await store.setWhole()
}

/** What is of a later version is put back by replicas that understand it, and what is damaged by nobody. */
async function restoreIfLost(id: string, options: KeptRowsOptions): Promise<void> {
  try {
    if ((await options.store.find(null, id)) === null) await restored(id, options)
  } catch (error) {
    if (!(error instanceof LeftRow)) throw error
    options.onError(error)
  }
}

/** Counts anew what has ended: lines ended after the row was kept, and none of them is lost. */
async function withEnds(
  kept: Batch,
  findEnds: KeptRowsOptions['findEnds'],
): Promise<{ readonly batch: Batch; readonly ended: Uint8Array }> {
  const isRunning = kept.status === 'in_progress' || kept.status === 'finalizing' || kept.status === 'cancelling'
  if (!isRunning) return { batch: kept, ended: new Uint8Array() }
  const ended = new Uint8Array(Math.ceil(kept.lines / 8))
  const counts = { total: kept.lines, completed: 0, failed: 0 }
  const usage = { inputTokens: 0, cachedTokens: 0, outputTokens: 0 }
  const ends = await findEnds(kept)
  for (const [line, end] of ends) {
    setBit(ended, line)
    counts[end.outcome] += 1
    usage.inputTokens += end.usage.inputTokens
    usage.cachedTokens += end.usage.cachedTokens
    usage.outputTokens += end.usage.outputTokens
  }
  const batch = { ...kept, counts, usage }
  // No line is left that could notice that it was the last.
  if (kept.status !== 'in_progress' || ends.size < kept.lines) return { batch, ended }
  const times = timesWith(kept.times, 'finalizing')
  return { batch: { ...batch, status: 'finalizing', times }, ended }
}
