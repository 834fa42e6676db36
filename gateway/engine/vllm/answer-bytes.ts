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

/** An answer whose first bytes are known. */
export interface BegunAnswer {
  /** The first character that is no space; null when there is none. */
  readonly first: string | null
  /** All reads, the first ones included, each of them added to the bound. */
  readonly reads: AsyncIterable<Uint8Array>
}

/** Reads as far as the first character that is no space. */
export async function beginAnswer(body: AsyncIterator<Uint8Array>, bound: AnswerBound): Promise<BegunAnswer> {
  const begun: Uint8Array[] = []
  let first: string | null = null
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    const read = await body.next()
    if (read.done !== true) bound.addBytes(read.value.byteLength)
    return read
  }
  while (first === null) {
    const { value, done } = await next()
    if (done === true) break
    begun.push(value)
    first = /[^\s\uFEFF]/.exec(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString())?.[0] ?? null
  }
  // No generator: it would cost as much for each token as parsing it.
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      const value = begun.shift()
      return value === undefined ? next() : { value, done: false }
    },
    async return() {
      return (await body.return?.()) ?? { value: undefined, done: true }
    },
  }
  return { first, reads: { [Symbol.asyncIterator]: () => iterator } }
}
