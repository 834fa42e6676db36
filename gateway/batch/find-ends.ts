import type { BlobStore } from '../files/blob-store.ts'
import { inOrderAhead } from './ahead.ts'
import { NO_USAGE, type Batch } from './batch.ts'
import { findAnswer } from './kept-answer.ts'
import { openIndex } from './line-index.ts'
import { indexName, lineName } from './names.ts'
import type { LineEnd } from './store.ts'

/** Answers that are opened side by side: in a bucket, each takes some time. */
const AHEAD = 32

/** Finds out which lines of a batch have ended: those whose answer is kept, and those that could not be run. */
export async function findEnds(
  { id, lines }: Pick<Batch, 'id' | 'lines'>,
  blobs: BlobStore,
): Promise<ReadonlyMap<number, LineEnd>> {
  const ends = new Map<number, LineEnd>()
  const index = await openIndex(blobs, indexName(id), lines)
  if (index === null) return ends
  const look = async (line: number): Promise<readonly [number, LineEnd | null]> => {
    const { problem } = await index.line(line)
    if (problem !== null) return [line, { outcome: 'failed', usage: NO_USAGE }]
    return [line, await findAnswer(blobs, lineName(id, line))]
  }
  const all = Array.from({ length: lines }, (_, line) => line)
  for await (const [line, end] of inOrderAhead(all, AHEAD, look)) {
    if (end !== null) ends.set(line, { outcome: end.outcome, usage: end.usage })
  }
  return ends
}
