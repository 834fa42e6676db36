import assert from 'node:assert/strict'
import type { Response, ResponseStreamEvent } from 'openai/resources/responses/responses'
import { responseEvent, type ResponseEvent } from '../../gateway/wire/openai/response-events.ts'
import { responseObject, type ResponseObject } from '../../gateway/wire/openai/response.ts'
import { dataUrl } from './documents.ts'

/** Makes an `input_file` part, as a data URL. */
export function inputFile(bytes: Uint8Array, filename = 'document.pdf') {
  return { type: 'input_file' as const, filename, file_data: dataUrl(bytes, 'application/pdf') }
}

/** Makes the input of one user message of these parts. */
export function inputOf<Parts extends readonly unknown[]>(...content: Parts) {
  return [{ role: 'user' as const, content: content as unknown as Parts[number][] }]
}

/** Holds a response against the schema. */
export function readResponse(value: Response): ResponseObject {
  // Added by the client itself.
  const { output_text: _, ...said } = value
  const read = responseObject.parse(said)
  // What the schema allows, the client's own types allow too, except for the gateway's codes of errors.
  const typed: Omit<Response, 'output_text' | 'error' | 'usage' | 'access_programs'> = {
    ...read,
    output: read.output.map((item) => ({
      ...item,
      content: item.content.map((part) => ({ ...part, annotations: [], logprobs: [] })),
    })),
    tools: [],
    text: { format: read.text.format },
  }
  assert.equal(typed.id, read.id)
  return read
}

/** The text of a response. */
export function textOfResponse({ output }: Pick<ResponseObject, 'output'>): string {
  return output[0]?.content[0]?.text ?? ''
}

/** Collects the events of a stream, each held against the schema; their numbers count up from the first. */
export async function collectEvents(stream: AsyncIterable<ResponseStreamEvent>): Promise<ResponseEvent[]> {
  const events: ResponseEvent[] = []
  for await (const event of stream) events.push(readEvent(event))
  const [first] = events
  const numbers = events.map(({ sequence_number: number }) => number)
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => (first?.sequence_number ?? 0) + index),
  )
  return events
}

function readEvent(event: ResponseStreamEvent): ResponseEvent {
  if (!('response' in event)) return responseEvent.parse(event)
  const { output_text: _, ...response } = event.response
  return responseEvent.parse({ ...event, response })
}

/** The pieces of text of some events. */
export function deltasOf(events: readonly ResponseEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'response.output_text.delta' ? [event.delta] : []))
}
