import { jsonPieces } from '../answer/json-pieces.ts'
import type { BlobStore, OpenBlob } from '../files/blob-store.ts'
import { shareLoop } from '../schedule/loop-share.ts'
import type { BatchAnswer } from '../wire/openai/batch.ts'
import type { LineAnswer } from './answer-line.ts'
import type { LineEnd } from './store.ts'

/** The answer to a line, as it is kept until the batch ends. */
export interface KeptAnswer extends LineEnd {
  /** Yields the line of the output file, or of the error file. */
  readonly pieces: () => AsyncGenerator<Uint8Array, void, undefined>
}

/**
 * Keeps the answer to a line, under the line's name: one that is run again, after a process has died, has the same answer. What
 * it counts stands before it.
 */
export async function keepAnswer(blobs: BlobStore, name: string, { answer, ...end }: LineAnswer): Promise<void> {
  await blobs.write(name, pieces(end, answer), () => {})
}

async function* pieces(end: LineEnd, answer: BatchAnswer): AsyncGenerator<Buffer, void, undefined> {
  yield Buffer.from(`${JSON.stringify(end)}\n`)
  for (const piece of answerPieces(answer)) {
    yield Buffer.from(piece)
    await shareLoop()
  }
}

/** Writes an answer as one line. Its body may be very large. */
export function* answerPieces({ id, custom_id, response, error }: BatchAnswer): Generator<string, void, undefined> {
  if (response === null) {
    yield `${JSON.stringify({ id, custom_id, response, error })}\n`
    return
  }
  const { status_code, request_id, body } = response
  yield `${JSON.stringify({ id, custom_id }).slice(0, -1)},"response":${JSON.stringify({ status_code, request_id }).slice(0, -1)},"body":`
  if (typeof body === 'object' && body !== null) yield* jsonPieces(body)
  else yield JSON.stringify(body ?? null)
  yield `},"error":${JSON.stringify(error)}}\n`
}

/** What is counted takes less. */
const HEAD_BYTES = 1024
/** An answer that is read in more pieces is not held. */
const STEP_BYTES = 256 * 1024
const NEWLINE = '\n'.charCodeAt(0)

/**
 * Finds the answer to a line; null: it has none yet. One that is small is held already, so that many can be opened side by side;
 * of a larger one, the pieces open it again.
 */
export async function findAnswer(blobs: BlobStore, name: string, holds = false): Promise<KeptAnswer | null> {
  await using blob = await blobs.open(name)
  if (blob === null) return null
  const { length } = blob
  const head = await bytesOf(blob, Math.min(length, holds ? STEP_BYTES : HEAD_BYTES), 0)
  const from = head.indexOf(NEWLINE) + 1
  const end = JSON.parse(head.toString('utf8', 0, from)) as LineEnd
  return {
    ...end,
    async *pieces() {
      yield head.subarray(from)
      if (head.length < length) yield* rest(blobs, name, head.length)
    },
  }
}

async function* rest(blobs: BlobStore, name: string, from: number): AsyncGenerator<Uint8Array, void, undefined> {
  await using blob = await blobs.open(name)
  if (blob === null) throw new Error(`The answer ${name} is gone.`)
  for (let at = from; at < blob.length; at += STEP_BYTES) {
    yield await bytesOf(blob, Math.min(STEP_BYTES, blob.length - at), at)
  }
}

async function bytesOf(blob: OpenBlob, length: number, from: number): Promise<Buffer> {
  const { buffer, byteOffset, byteLength } = await blob.read(length, from)
  return Buffer.from(buffer, byteOffset, byteLength)
}
