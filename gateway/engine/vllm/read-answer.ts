import { GatewayError } from '../../errors.ts'
import type { UpstreamResponse } from '../../upstream/connection.ts'
import { eventFailure, webPageAnswer } from '../../upstream/failure.ts'
import { firstChoice, readChatAnswer, readWireError } from '../../wire/vllm.ts'
import type { ChatAnswer, WireUsage } from '../../wire/vllm.ts'
import { createConfidenceMeter } from '../confidence.ts'
import { createSurePieceRecorder, type SurePieceRecorder } from '../sure-pieces.ts'
import type { AnswerEnd, Usage } from '../engine.ts'
import { createAnswerBound, MAX_CHARACTERS_PER_TOKEN } from './answer-bytes.ts'
import { isTooDense } from './json-density.ts'
import { createEventStreamDecoder, unreadable } from './event-stream-decoder.ts'
import { readBody } from './read-body.ts'

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
  /** Called with each piece of the text. What it throws ends the answer. */
  readonly onDelta: (delta: string) => void
  /** Called whenever something of the answer has come, with how many characters of it. */
  readonly onHeard: (characters: number) => void
  /** Called with the first text. */
  readonly onFirstToken: () => void
}

/**
 * Reads an answer with status 200: a stream of events, as it was asked for, or a whole completion, which some servers and
 * proxies send all the same. Throws `engine_error` for anything else, for an answer that breaks off, and what `onDelta` throws.
 */
export async function readAnswer({ body }: Pick<UpstreamResponse, 'body'>, answer: AnswerToRead): Promise<AnswerEnd> {
  const state = newState(answer)
  const form = createForm(state)
  try {
    const broken = await readBody(body, (bytes) => form.read(bytes))
    if (broken !== null) throw broken
    form.end()
  } catch (error) {
    if (state.refusal !== null) throw state.refusal.reason
    // The text is whole once the finish reason has come: a connection that fails after it does not matter.
    if (state.finishReason === null) throw error instanceof GatewayError ? error : brokenOff(answer.url, error)
  }
  // A vLLM that is put to sleep ends what waits for its first token without any reason.
  const finishReason = state.finishReason ?? (form.isDone() ? 'abort' : null)
  if (finishReason === null) throw brokenOff(answer.url, undefined)
  const thoughts = textOfThoughts(state)
  if (thoughts !== '') answer.onDelta(thoughts)
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
  /** Why its text is not wanted any more. */
  refusal: { readonly reason: unknown } | null
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
    refusal: null,
  }
}

/** How an answer is written: its reads are taken, and then its end. */
interface AnswerForm {
  /** Returns whether all of it has come. */
  read(bytes: Uint8Array): boolean
  end(): void
  /** Whether it has said that all of it has come. */
  isDone(): boolean
}

/** Creates the form that the first character which is no space tells. */
function createForm(state: AnswerState): AnswerForm {
  const begun: Uint8Array[] = []
  let form: AnswerForm | null = null
  return {
    read(bytes) {
      state.bound.addBytes(bytes.byteLength)
      if (form !== null) return form.read(bytes)
      begun.push(bytes)
      const first = /[^\s\uFEFF]/.exec(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString())?.[0]
      if (first === undefined) return false
      if (first === '<') throw webPageAnswer(state.answer.url)
      const known = first === '{' ? wholeAnswer(state) : streamedAnswer(state)
      form = known
      return begun.splice(0).some((read) => known.read(read))
    },
    end: () => form?.end(),
    isDone: () => form?.isDone() ?? false,
  }
}

function streamedAnswer(state: AnswerState): AnswerForm {
  const decoder = createEventStreamDecoder((length) => state.bound.addEvent(length))
  return {
    read(bytes) {
      const events = decoder.feed(bytes)
      if (events.length > 0) hear(state, events)
      return decoder.isDone
    },
    end() {},
    isDone: () => decoder.isDone,
  }
}

/** A completion that is no stream; its shape is that of one event. */
function wholeAnswer(state: AnswerState): AnswerForm {
  const { answer, bound } = state
  const parts: Uint8Array[] = []
  return {
    read(bytes) {
      bound.addHeld(bytes.byteLength)
      parts.push(bytes)
      answer.onHeard(0)
      return false
    },
    end: () => hear(state, [parseCompletion(Buffer.concat(parts).toString(), answer.url)]),
    isDone: () => false,
  }
}

/** Takes the events of one read, and hands over their text. */
function hear(state: AnswerState, events: readonly unknown[]): void {
  const { answer, characters } = state
  const delta = take(state, events)
  answer.onHeard(state.characters - characters)
  if (delta === '') return
  try {
    answer.onDelta(delta)
  } catch (reason) {
    state.refusal = { reason }
    throw reason
  }
}

/** Takes the events of one read, and returns their text: a burst of tokens becomes one delta. */
function take(state: AnswerState, events: readonly unknown[]): string {
  let text = ''
  for (const event of events) {
    state.events += 1
    const error = readWireError(event)
    if (error !== null) throw eventFailure(state.answer.url, error, state.hasBegun)
    const chunk = readChatAnswer(event)
    if (chunk.usage !== null) state.usage = believable(chunk.usage, state.answer)
    const choice = readChoice(state, chunk)
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

function readChoice({ events }: AnswerState, chunk: ChatAnswer) {
  try {
    return firstChoice(chunk)
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

function parseCompletion(body: string, url: string): object {
  const text = body.replace(/^\uFEFF/, '')
  if (isTooDense(text)) throw unreadable('far too many parts', `${text.length} characters`)
  const completion = parseJson(text)
  if (completion === null) throw brokenOff(url, new Error(`a completion of ${text.length} characters is no whole JSON`))
  if (readWireError(completion) === null && !Object.hasOwn(completion, 'choices')) {
    throw unreadable('JSON that is no completion', `${text.length} characters`)
  }
  return completion
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
