import { GatewayError } from '../../errors.ts'
import type { UpstreamResponse } from '../../upstream/connection.ts'
import { eventFailure, webPageAnswer } from '../../upstream/failure.ts'
import { chatAnswer, firstChoice, readWireError } from '../../wire/vllm.ts'
import type { WireUsage } from '../../wire/vllm.ts'
import { createConfidenceMeter } from '../confidence.ts'
import { createSurePieceRecorder, type SurePieceRecorder } from '../sure-pieces.ts'
import type { EndDelta, TextDelta, Usage } from '../engine.ts'
import { beginAnswer, createAnswerBound, MAX_CHARACTERS_PER_TOKEN } from './answer-bytes.ts'
import { isTooDense } from './json-density.ts'
import { decodeEventStream, unreadable } from './event-stream-decoder.ts'

/** What is known of an answer before it is read, and who is told of its progress. */
export interface AnswerToRead {
  /** The upstream's, for the log. */
  readonly url: string
  /** The most tokens that the page may have. */
  readonly maxTokens: number
  /** Whether the model thinks before it answers. */
  readonly thinks: boolean
  /** Whether it is wanted how sure the model was of each piece of the text. */
  readonly wantsPieces?: boolean
  /** Called whenever something of the answer has come, with how many characters of it. */
  readonly onHeard: (characters: number) => void
  /** Called with the first text. */
  readonly onFirstToken: () => void
}

/** How an answer ended. */
export type AnswerEnd = Omit<EndDelta, 'type'>

/**
 * Reads an answer with status 200: a stream of events, as it was asked for, or a whole completion, which some servers and
 * proxies send all the same. Throws `engine_error` for anything else, and for an answer that breaks off.
 */
export async function* readAnswer(
  { body }: Pick<UpstreamResponse, 'body'>,
  answer: AnswerToRead,
): AsyncGenerator<TextDelta, AnswerEnd, undefined> {
  const state = newState(answer)
  let isDone = false
  const onDone = () => void (isDone = true)
  const onEvent = (length: number) => state.bound.addEvent(length)
  try {
    // Leaving the body early does not destroy it: after a whole answer the connection is kept for the next page.
    const { first, reads } = await beginAnswer(body.iterator({ destroyOnReturn: false }), state.bound)
    if (first === '<') throw webPageAnswer(answer.url)
    const events = first === '{' ? wholeAnswer(reads, state) : decodeEventStream(reads, { onDone, onEvent })
    for await (const burst of events) {
      const before = state.characters
      const text = take(state, burst)
      answer.onHeard(state.characters - before)
      if (text !== '') yield { type: 'text', text }
    }
  } catch (error) {
    // The text is whole once the finish reason has come: a connection that fails after it does not matter.
    if (state.finishReason === null) throw error instanceof GatewayError ? error : brokenOff(answer.url, error)
  }
  // A vLLM that is put to sleep ends what waits for its first token without any reason.
  const finishReason = state.finishReason ?? (isDone ? 'abort' : null)
  if (finishReason === null) throw brokenOff(answer.url, undefined)
  // After `[DONE]` only the end of the body is left. The connection of a server that sends more is closed.
  body.dump({ limit: 1024, signal: AbortSignal.timeout(1000) }).catch(() => {})
  const thoughts = textOfThoughts(state)
  if (thoughts !== '') yield { type: 'text', text: thoughts }
  const surePieces = thoughts === '' ? (state.pieces?.read() ?? null) : null
  const end = { finishReason, usage: state.usage, confidence: state.meter.read() }
  return surePieces === null ? end : { ...end, surePieces }
}

/** What of an answer has come. */
interface AnswerState {
  readonly answer: AnswerToRead
  readonly bound: ReturnType<typeof createAnswerBound>
  readonly meter: ReturnType<typeof createConfidenceMeter>
  readonly pieces: SurePieceRecorder | null
  events: number
  /** Of its text, and of thoughts. */
  characters: number
  hasBegun: boolean
  /** The content holds more than white space. */
  hasContent: boolean
  /** Kept until there is content. */
  reasoning: string
  finishReason: string | null
  usage: Usage
}

function newState(answer: AnswerToRead): AnswerState {
  return {
    answer,
    bound: createAnswerBound(answer.maxTokens),
    meter: createConfidenceMeter(),
    pieces: answer.wantsPieces === true ? createSurePieceRecorder() : null,
    events: 0,
    characters: 0,
    hasBegun: false,
    hasContent: false,
    reasoning: '',
    finishReason: null,
    usage: { promptTokens: 0, completionTokens: 0 },
  }
}

/** Takes the events of one read, and returns their text: a burst of tokens becomes one delta. */
function take(state: AnswerState, events: readonly unknown[]): string {
  let text = ''
  for (const event of events) {
    state.events += 1
    const error = readWireError(event)
    if (error !== null) throw eventFailure(state.answer.url, error, state.hasBegun)
    const { success, data } = chatAnswer.safeParse(event)
    if (!success) continue
    if (data.usage) state.usage = believable(data.usage, state.answer)
    const choice = readChoice(state, data)
    if (choice === null) continue
    const { content, reasoning, finishReason, logprobs, tokenLengths } = choice
    state.characters += content.length + reasoning.length
    state.bound.addCharacters(content.length + reasoning.length)
    if (!state.hasBegun && content + reasoning !== '') {
      state.hasBegun = true
      state.answer.onFirstToken()
    }
    state.hasContent ||= content.trim() !== ''
    state.reasoning = state.hasContent ? '' : state.reasoning + reasoning
    state.finishReason = finishReason ?? state.finishReason
    for (const logprob of logprobs) state.meter.add(logprob)
    if (reasoning === '') state.pieces?.add(content, logprobs, tokenLengths)
    text += content
  }
  return text
}

/** A token has a character at least, nearly always: a count beyond all characters of an answer is no count. */
function believable(usage: WireUsage, { maxTokens }: AnswerToRead): Usage {
  const { prompt_tokens: promptTokens, completion_tokens: completionTokens } = usage
  return {
    promptTokens,
    completionTokens: completionTokens <= maxTokens * MAX_CHARACTERS_PER_TOKEN ? completionTokens : 0,
  }
}

function readChoice({ events }: AnswerState, data: Parameters<typeof firstChoice>[0]) {
  try {
    return firstChoice(data)
  } catch {
    throw unreadable('a chunk whose text cannot be read', `event ${events}`)
  }
}

/**
 * Returns what a server's reasoning parser took for thoughts, where there is nothing else: it is the page's text if the
 * model does not think. Throws `engine_error` if it does.
 */
function textOfThoughts({ hasContent, reasoning, answer }: AnswerState): string {
  if (hasContent || reasoning.trim() === '') return ''
  if (!answer.thinks) return reasoning
  throw new GatewayError(
    'engine_error',
    'The OCR engine put all it wrote into its reasoning, and nothing into its answer. Its operator must serve the model with the --reasoning-parser that fits it, or with none.',
    { cause: new Error(`${answer.url} answered with reasoning alone`), retry: false },
  )
}

/** Reads a completion that is no stream; its shape is that of one event. */
async function* wholeAnswer(
  reads: AsyncIterable<Uint8Array>,
  { answer: { url, onHeard }, bound }: AnswerState,
): AsyncGenerator<unknown[], void, undefined> {
  const parts: Uint8Array[] = []
  for await (const read of reads) {
    bound.addHeld(read.byteLength)
    parts.push(read)
    onHeard(0)
  }
  const text = Buffer.concat(parts)
    .toString()
    .replace(/^\uFEFF/, '')
  if (isTooDense(text)) throw unreadable('far too many parts', `${text.length} characters`)
  const completion = parseJson(text)
  if (completion === null) throw brokenOff(url, new Error(`a completion of ${text.length} characters is no whole JSON`))
  if (readWireError(completion) === null && !Object.hasOwn(completion, 'choices')) {
    throw unreadable('JSON that is no completion', `${text.length} characters`)
  }
  yield [completion]
}

function parseJson(text: string): object | null {
  try {
    return JSON.parse(text) as object
  } catch {
    return null
  }
}

function brokenOff(url: string, cause: unknown): GatewayError {
  return new GatewayError('engine_error', 'The OCR engine broke off in the middle of this page. Try again.', {
    cause: new Error(`${url} broke off its answer`, { cause }),
  })
}
