import { failedLine, unrunLine, type NeverRun } from '../answer/batch.ts'
import { readAll, type BlobStore } from '../files/blob-store.ts'
import { shareLoop } from '../schedule/loop-share.ts'
import { inOrderAhead } from './ahead.ts'
import { addUsage, NO_USAGE, type Batch, type BatchCounts, type BatchUsage } from './batch.ts'
import { answerPieces, findAnswer } from './kept-answer.ts'
import type { LineIndex } from './line-index.ts'
import { fatesName, lineName, requestIdOf } from './names.ts'

/** What has become of all lines of a batch, for good. */
export interface SettledLines {
  /** How many lines were never run. */
  readonly unrun: number
  readonly counts: BatchCounts
  readonly usage: BatchUsage
}

/** What has become of the lines of a batch: found out while its files are written, and kept before the first of them is there. */
export interface LineFates {
  /** Yields the lines of the output file; behind the last of them, all is settled. */
  outputs(): AsyncGenerator<Uint8Array, void, undefined>
  /** Yields the lines of the error file. */
  errors(): AsyncGenerator<Uint8Array, void, undefined>
  /** Looks at lines that nothing was written of, and keeps what has become of all. */
  settle(): Promise<SettledLines>
}

/** What is known of the lines of a batch. */
export interface LinesOfBatch {
  readonly batch: Batch
  readonly index: LineIndex
  /** Why lines that were never run were not. */
  readonly never: NeverRun
  readonly blobs: BlobStore
}

/** `answered` lines have an answer that is kept; what is `refused`, or was never run (`unrun`), has none. */
type Fate = 'completed' | 'failed' | 'refused' | 'unrun'

interface Found {
  readonly fate: Fate
  readonly pieces: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

/** As it is kept. */
interface KeptFates {
  readonly fates: Fate[]
  readonly usage: BatchUsage
}

/** Answers that are opened side by side: in a bucket, each takes some time. */
const AHEAD = 16

/**
 * Opens it; where a process has settled it that died, as that has. An answer that comes later changes nothing: it would stand in
 * no file, or in both.
 */
export async function openLineFates({ batch, index, never, blobs }: LinesOfBatch): Promise<LineFates> {
  const { id, endpoint, lines } = batch
  const kept = await readKept(id, blobs)
  const fates: Fate[] = kept?.fates ?? []
  let usage = kept?.usage ?? NO_USAGE
  let isSettled = kept !== null

  async function look(line: number): Promise<Found> {
    const { customId, problem } = await index.line(line)
    const named = { id: requestIdOf(id, line), customId }
    if (problem !== null) {
      return found(line, 'refused', NO_USAGE, written(failedLine(named, problem, endpoint === '/v1/ocr')))
    }
    const known = fates[line]
    const answer = known === 'unrun' ? null : await findAnswer(blobs, lineName(id, line), true)
    if (answer !== null) return found(line, answer.outcome, answer.usage, answer.pieces)
    if (known === 'completed' || known === 'failed') throw new Error(`The answer ${lineName(id, line)} is gone.`)
    return found(line, 'unrun', NO_USAGE, written(unrunLine(named, never)))
  }

  function found(line: number, fate: Fate, tokens: BatchUsage, pieces: Found['pieces']): Found {
    const known = fates[line]
    if (known !== undefined) return { fate: known, pieces }
    fates[line] = fate
    usage = addUsage(usage, tokens)
    return { fate, pieces }
  }

  async function* pieces(isWanted: (fate: Fate | undefined) => boolean): AsyncGenerator<Uint8Array, void, undefined> {
    const wanted = Array.from({ length: lines }, (_, line) => line).filter((line) => isWanted(fates[line]))
    for await (const { fate, pieces: its } of inOrderAhead(wanted, AHEAD, look)) {
      if (isWanted(fate)) yield* its()
      await shareLoop()
    }
  }

  async function settle(): Promise<SettledLines> {
    for await (const _ of pieces((fate) => fate === undefined));
    if (!isSettled)
      await blobs.write(fatesName(id), [Buffer.from(JSON.stringify({ fates, usage } satisfies KeptFates))])
    isSettled = true
    const completed = fates.filter((fate) => fate === 'completed').length
    const counts = { total: lines, completed, failed: lines - completed }
    return { unrun: fates.filter((fate) => fate === 'unrun').length, counts, usage }
  }

  return {
    async *outputs() {
      yield* pieces((fate) => fate === undefined || fate === 'completed')
      await settle()
    },
    errors: () => pieces((fate) => fate !== 'completed'),
    settle,
  }
}

async function readKept(batch: string, blobs: BlobStore): Promise<KeptFates | null> {
  const bytes = await readAll(blobs, fatesName(batch))
  return bytes === null ? null : (JSON.parse(bytes.toString()) as KeptFates)
}

const written = (answer: Parameters<typeof answerPieces>[0]) => () =>
  answerPieces(answer).map((piece) => Buffer.from(piece))
