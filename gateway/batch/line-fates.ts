import { failedLine, unrunLine, type NeverRun } from '../answer/batch.ts'
import type { BlobStore } from '../files/blob-store.ts'
import { shareLoop } from '../schedule/loop-share.ts'
import { inOrderAhead } from './ahead.ts'
import { NO_USAGE, type Batch } from './batch.ts'
import { hasBit } from './bits.ts'
import { answerPieces, findAnswer } from './kept-answer.ts'
import type { LineIndex } from './line-index.ts'
import { lineName, requestIdOf } from './names.ts'
import type { LineEnd } from './store.ts'

/** What has become of the lines of a batch, found out while its files are written. */
export interface LineFates {
  /** Yields the lines of the output file. */
  outputs(): AsyncGenerator<Uint8Array, void, undefined>
  /** Yields the lines of the error file. */
  errors(): AsyncGenerator<Uint8Array, void, undefined>
  /** Looks at lines that nothing was written of. */
  settle(): Promise<{ readonly unrun: number; readonly ends: ReadonlyMap<number, LineEnd> }>
}

/** What is known of the lines of a batch. */
export interface LinesOfBatch {
  readonly batch: Batch
  readonly index: LineIndex
  /** Lines whose end is counted already. */
  readonly ended: Uint8Array
  /** Why lines that were never run were not. */
  readonly never: NeverRun
  readonly blobs: BlobStore
}

/** `answered` lines have an answer that is kept; what is `refused`, or was never run (`unrun`), has none. */
type Fate = 'completed' | 'failed' | 'refused' | 'unrun'

interface Found {
  readonly line: number
  readonly fate: Fate
  readonly pieces: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

/** Answers that are opened side by side: in a bucket, each takes some time. */
const AHEAD = 16

/** Creates it; nothing is looked at before it is asked for. */
export function createLineFates({ batch, index, ended, never, blobs }: LinesOfBatch): LineFates {
  const { id, endpoint, lines } = batch
  const fates: Fate[] = []
  const ends = new Map<number, LineEnd>()

  async function look(line: number): Promise<Found> {
    const name = { id: requestIdOf(id, line) }
    const { customId, problem } = await index.line(line)
    const named = { ...name, customId }
    if (problem !== null) {
      return found(line, 'refused', null, written(failedLine(named, problem, endpoint === '/v1/ocr')))
    }
    const answer = await findAnswer(blobs, lineName(id, line), true)
    if (answer === null) return found(line, 'unrun', null, written(unrunLine(named, never)))
    return found(line, answer.outcome, answer, answer.pieces)
  }

  function found(line: number, fate: Fate, end: LineEnd | null, pieces: Found['pieces']): Found {
    fates[line] = fate
    const { outcome, usage } = end ?? { outcome: 'failed', usage: NO_USAGE }
    if (!hasBit(ended, line)) ends.set(line, { outcome, usage })
    return { line, fate, pieces }
  }

  async function* pieces(isWanted: (fate: Fate | undefined) => boolean): AsyncGenerator<Uint8Array, void, undefined> {
    const wanted = Array.from({ length: lines }, (_, line) => line).filter((line) => isWanted(fates[line]))
    for await (const { fate, pieces: its } of inOrderAhead(wanted, AHEAD, look)) {
      if (isWanted(fate)) yield* its()
      await shareLoop()
    }
  }

  return {
    outputs: () => pieces((fate) => fate === undefined || fate === 'completed'),
    errors: () => pieces((fate) => fate !== 'completed'),
    async settle() {
      for await (const _ of pieces((fate) => fate === undefined));
      return { unrun: fates.filter((fate) => fate === 'unrun').length, ends }
    },
  }
}

const written = (answer: Parameters<typeof answerPieces>[0]) => () =>
  answerPieces(answer).map((piece) => Buffer.from(piece))
