import type { GatewayError } from '../errors.ts'
import type { ResponseEvent } from '../wire/openai/response-events.ts'
import type { ResponseObject } from '../wire/openai/response.ts'
import { errorBody } from './error.ts'
import { itemId, outputMessage, outputText, unreadResponse, type ResponseHead } from './response.ts'
import type { StreamEvent } from './writer.ts'

/** What the events of a response are made from: always in this order, so that each event always has the same number. */
export type ResponseStep =
  /** Its work has begun: it is not queued any more. */
  | { readonly type: 'begun' }
  /** A piece of its text; `page` is set on the first piece of each page. */
  | { readonly type: 'text'; readonly text: string; readonly page: number | null }
  | { readonly type: 'done'; readonly response: ResponseObject }
  | { readonly type: 'failed'; readonly error: GatewayError }

type Unnumbered<Event> = Event extends unknown ? Omit<Event, 'sequence_number'> : never

/** The events of one response. */
export interface ResponseStream {
  /** Builds the events of a step. */
  next(step: ResponseStep | { readonly type: 'created' }): ResponseEvent[]
  /** Builds an event that says nothing, and has the number of the event before. */
  keepAlive(): ResponseEvent
  /** Builds the event of a stream that breaks off while its response goes on; it has the number of the event before. */
  broken(error: GatewayError): ResponseEvent
}

/** Creates the stream of a response. Its first step is `created`. */
export function createResponseStream(head: ResponseHead): ResponseStream {
  const text = { item_id: itemId(head), output_index: 0, content_index: 0 } as const
  let number = 0
  let isBegun = false

  function eventsOf(step: Parameters<ResponseStream['next']>[0]): Unnumbered<ResponseEvent>[] {
    switch (step.type) {
      case 'created':
        return createdEvents(head)
      case 'begun':
        isBegun = true
        return begunEvents(head, text)
      case 'text':
        return [deltaEvent(text, step.text, step.page)]
      case 'done':
        return doneEvents(step.response, text)
      default:
        return [failedEvent(step.error)]
    }
  }

  const unnumbered = (event: Unnumbered<ResponseEvent>): ResponseEvent => ({
    ...event,
    sequence_number: Math.max(0, number - 1),
  })
  return {
    next: (step) => eventsOf(step).map((event) => ({ ...event, sequence_number: number++ })),
    keepAlive() {
      // A comment would not do: LangChain's client does not count it. An empty delta before its item breaks OpenAI's.
      return unnumbered(isBegun ? deltaEvent(text, '', null) : waitingEvent(head))
    },
    broken: (error) => unnumbered(failedEvent(error)),
  }
}

/** Names an event for the `event:` line. */
export function streamEvent(data: ResponseEvent): StreamEvent {
  return { name: data.type, data }
}

type Text = Pick<
  Extract<ResponseEvent, { type: 'response.output_text.delta' }>,
  'item_id' | 'output_index' | 'content_index'
>

function createdEvents(head: ResponseHead): Unnumbered<ResponseEvent>[] {
  const response = unreadResponse(head, waitingStatus(head))
  const created = { type: 'response.created', response } as const
  return head.answer.background ? [created, waitingEvent(head)] : [created]
}

function waitingStatus({ answer }: ResponseHead): 'queued' | 'in_progress' {
  return answer.background ? 'queued' : 'in_progress'
}

function waitingEvent(head: ResponseHead): Unnumbered<ResponseEvent> {
  const status = waitingStatus(head)
  return { type: `response.${status}`, response: unreadResponse(head, status) }
}

function begunEvents(head: ResponseHead, text: Text): Unnumbered<ResponseEvent>[] {
  return [
    { type: 'response.in_progress', response: unreadResponse(head, 'in_progress') },
    { type: 'response.output_item.added', output_index: 0, item: outputMessage(head, 'in_progress', []) },
    { type: 'response.content_part.added', ...text, part: outputText('') },
  ]
}

function deltaEvent(text: Text, delta: string, page: number | null): Unnumbered<ResponseEvent> {
  return {
    type: 'response.output_text.delta',
    ...text,
    delta,
    logprobs: [],
    ...(page === null ? {} : { ocr: { page } }),
  }
}

function doneEvents(response: ResponseObject, text: Text): Unnumbered<ResponseEvent>[] {
  const [item] = response.output
  const [part] = item?.content ?? []
  if (item === undefined || part === undefined) throw new Error('A response that is done has a text.')
  return [
    { type: 'response.output_text.done', ...text, text: part.text, logprobs: [] },
    { type: 'response.content_part.done', ...text, part },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response },
  ]
}

function failedEvent(thrown: GatewayError): Unnumbered<ResponseEvent> {
  const { error } = errorBody(thrown)
  const { code, message, param } = error
  return { type: 'error', code: code ?? thrown.code, message, param, error }
}
