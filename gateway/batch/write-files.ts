import type { NeverRun } from '../answer/batch.ts'
import { GatewayError } from '../errors.ts'
import type { BlobStore } from '../files/blob-store.ts'
import type { FileStore } from '../files/file-store.ts'
import { hasEnded, type Batch } from './batch.ts'
import { openLineFates } from './line-fates.ts'
import { openIndex } from './line-index.ts'
import { fileIdOf, indexName } from './names.ts'
import type { BatchStore } from './store.ts'

/** What the files of a batch are written with. */
export interface WritingServices {
  readonly files: Pick<FileStore, 'find' | 'receive' | 'keep'>
  readonly blobs: BlobStore
  readonly store: BatchStore
}

/** The files of a batch; null: there was nothing to write. */
export interface WrittenFiles {
  readonly outputFileId: string | null
  readonly errorFileId: string | null
  /** How many lines were never run. */
  readonly unrun: number
}

/**
 * Writes the output file and the error file of a batch, in the order of its lines, each of which is in one of them. Files that
 * were written before, by a process that has died, stay as they are. Throws `storage_full`.
 */
export async function writeFiles(
  batch: Batch,
  never: NeverRun,
  { store, blobs, files }: WritingServices,
  signal: AbortSignal,
): Promise<WrittenFiles> {
  const index = batch.lines === 0 ? null : await openIndex(blobs, indexName(batch.id), batch.lines)
  if (index === null) return { outputFileId: null, errorFileId: null, unrun: 0 }
  const fates = await openLineFates({ batch, index, never, blobs })
  const checked = (pieces: AsyncIterable<Uint8Array>) => whileUnended(pieces, batch, store, signal)
  const outputFileId = await keepFile('output', checked(fates.outputs()), batch, files)
  const { unrun, counts, usage } = await fates.settle()
  const errorFileId = await keepFile('error', checked(fates.errors()), batch, files)
  await store.settle(batch.id, counts, usage)
  return { outputFileId, errorFileId, unrun }
}

/** Fails at the end where another process has ended the batch meanwhile: answers may have been removed before they were read. */
async function* whileUnended(
  pieces: AsyncIterable<Uint8Array>,
  { id }: Batch,
  store: BatchStore,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) {
    signal.throwIfAborted()
    yield piece
  }
  const now = await store.find(null, id)
  if (now === null || hasEnded(now)) throw new Error(`Another process has ended the batch ${id}.`)
}

async function keepFile(
  kind: 'output' | 'error',
  pieces: AsyncGenerator<Uint8Array, void, undefined>,
  batch: Batch,
  files: WritingServices['files'],
): Promise<string | null> {
  const { owner } = batch
  const id = fileIdOf(batch, kind)
  const known = await files.find(owner, id).catch(nullIfMissing)
  if (known !== null) return known.id
  const first = await pieces.next()
  if (first.done === true) return null
  const arrival = await files.receive(owner, startingWith(first.value, pieces), 0, id)
  const file = await files.keep(owner, arrival, {
    filename: `${batch.id}_${kind}.jsonl`,
    purpose: 'batch_output',
    mediaType: 'application/jsonl',
    seconds: batch.outputSeconds,
  })
  return file.id
}

async function* startingWith(
  first: Uint8Array,
  rest: AsyncGenerator<Uint8Array, void, undefined>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield first
  yield* rest
}

function nullIfMissing(error: unknown): null {
  if (error instanceof GatewayError && error.code === 'file_not_found') return null
  throw error
}
