import { GatewayError } from '../../errors.ts'

/**
 * The most bytes of a stream for each token that the page may have. A chunk of a token has three hundred, and four to
 * seven hundred with its log probability; a page that is read whole has far fewer tokens than it may have.
 */
const MAX_BYTES_PER_TOKEN = 1024

/**
 * The most bytes that must be held at once for each such token: those of a whole completion, and of events that are
 * larger than a chunk of one token. There a token has four, and one to two hundred with its log probability.
 */
const MAX_HELD_BYTES_PER_TOKEN = 256

/** What an event may have for nothing: ten times a chunk of one token. */
const USUAL_EVENT_BYTES = 8192

/** What any answer may have, that of a model with a small context included. */
const LEAST_BYTES = 256 * 1024
const LEAST_EVENTS = 1000

/** The most characters of text for each such token: a page has two to four, a run of equal signs perhaps ten. */
export const MAX_CHARACTERS_PER_TOKEN = 32

/** The most events for each such token: a server may say that it is still there in between. */
const MAX_EVENTS_PER_TOKEN = 4

/** Adds up an answer, and throws `engine_error` when it is more than the tokens of a page can be. */
export interface AnswerBound {
  /** Bytes of a stream, or of a whole completion. */
  addBytes(bytes: number): void
  /** Bytes of a whole completion, which are held until its end. */
  addHeld(bytes: number): void
  /** The length of an event, which was held and is about to be parsed. */
  addEvent(length: number): void
  addCharacters(characters: number): void
}

/**
 * Creates the bound of one answer. A server that ignores `max_tokens`, or that is none, would fill the memory: the limits
 * of single events and of time leave room for gigabytes.
 */
export function createAnswerBound(maxTokens: number): AnswerBound {
  const bound = (what: string, max: number) => {
    let sum = 0
    return (more: number): void => {
      sum += more
      if (sum > max) throw tooMuch(`${sum} ${what}`, maxTokens)
    }
  }
  const addHeld = bound('bytes at once', LEAST_BYTES + maxTokens * MAX_HELD_BYTES_PER_TOKEN)
  const addEvents = bound('events', LEAST_EVENTS + maxTokens * MAX_EVENTS_PER_TOKEN)
  return {
    addBytes: bound('bytes', LEAST_BYTES + maxTokens * MAX_BYTES_PER_TOKEN),
    addHeld,
    addEvent(length) {
      addEvents(1)
      addHeld(Math.max(0, length - USUAL_EVENT_BYTES))
    },
    addCharacters: bound('characters', maxTokens * MAX_CHARACTERS_PER_TOKEN),
  }
}

function tooMuch(size: string, maxTokens: number): GatewayError {
  return new GatewayError(
    'engine_error',
    'The OCR engine answered with far more than one page can hold, and was stopped. Try again.',
    { cause: new Error(`an answer of more than ${size}, for a page of at most ${maxTokens} tokens`) },
  )
}
