import { GatewayError } from '../../errors.ts'

/**
 * The most bytes of an answer for each token that the page may have. A token has one to three hundred bytes in a whole
 * answer, and a chunk of a stream, with its log probability, has four to seven hundred.
 */
const MAX_BYTES_PER_TOKEN = 2048

/** The most characters of text for each such token: a page has two to four, a run of equal signs perhaps ten. */
const MAX_CHARACTERS_PER_TOKEN = 32

/** Adds up an answer, and throws `engine_error` when it is more than the tokens of a page can be. */
export interface AnswerBound {
  addBytes(bytes: number): void
  addCharacters(characters: number): void
}

/**
 * Creates the bound of one answer. A server that ignores `max_tokens`, or that is none, would fill the memory: the limits
 * of single events and of time leave room for gigabytes.
 */
export function createAnswerBound(maxTokens: number): AnswerBound {
  let bytes = 0
  let characters = 0
  return {
    addBytes(more) {
      bytes += more
      if (bytes > maxTokens * MAX_BYTES_PER_TOKEN) throw tooMuch(`${bytes} bytes`, maxTokens)
    },
    addCharacters(more) {
      characters += more
      if (characters > maxTokens * MAX_CHARACTERS_PER_TOKEN) throw tooMuch(`${characters} characters`, maxTokens)
    },
  }
}

function tooMuch(size: string, maxTokens: number): GatewayError {
  return new GatewayError(
    'engine_error',
    'The OCR engine answered with far more than one page can hold, and was stopped. Try again.',
    { cause: new Error(`an answer of more than ${size}, for a page of at most ${maxTokens} tokens`) },
  )
}

/** Returns the reads of a body, each of them added to the bound. */
export async function* boundedReads(
  reads: AsyncIterable<Uint8Array>,
  bound: AnswerBound,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const read of reads) {
    bound.addBytes(read.byteLength)
    yield read
  }
}

/** The first byte of an answer that is no space; null when there is none. */
export type FirstByte = string | null

/** Reads as far as the first byte that is no space, and returns it beside all reads, the first ones included. */
export async function peek(
  reads: AsyncGenerator<Uint8Array, void, undefined>,
): Promise<{ readonly first: FirstByte; readonly all: AsyncGenerator<Uint8Array, void, undefined> }> {
  const begun: Uint8Array[] = []
  let first: FirstByte = null
  while (first === null) {
    const { value, done } = await reads.next()
    if (done === true) break
    begun.push(value)
    first = /[^\s\uFEFF]/.exec(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString())?.[0] ?? null
  }
  return { first, all: joined(begun, reads) }
}

async function* joined(
  begun: readonly Uint8Array[],
  rest: AsyncGenerator<Uint8Array, void, undefined>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* begun
    yield* rest
  } finally {
    await rest.return()
  }
}
