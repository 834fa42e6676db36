import { GatewayError } from '../errors.ts'
import type { ResponseRequest } from '../wire/openai/response-request.ts'
import type { TextFormat } from '../wire/openai/response.ts'

/** How a response is answered, beside what is read for it. */
export interface ResponseAnswer {
  readonly stream: boolean
  /** Whether nobody waits for it. */
  readonly background: boolean
  /** Whether it can be asked for later. */
  readonly store: boolean
  readonly instructions: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly previousResponseId: string | null
  readonly format: TextFormat
  readonly serviceTier: 'default' | 'flex'
}

/** Reads how a response is to be answered. Throws `invalid_value` for fields that exclude each other. */
export function readAnswer(request: ResponseRequest): ResponseAnswer {
  const background = request.background === true
  const store = request.store !== false
  if (background && !store) {
    throw new GatewayError(
      'invalid_value',
      'A background response is asked for when it is done, so that it must be stored. Leave "store" out, or "background".',
      { param: 'store' },
    )
  }
  return {
    stream: request.stream === true,
    background,
    store,
    instructions: request.instructions ?? null,
    metadata: request.metadata ?? {},
    previousResponseId: request.previous_response_id ?? null,
    format: formatOf(request),
    serviceTier: request.service_tier === 'flex' ? 'flex' : 'default',
  }
}

function formatOf({ text }: ResponseRequest): TextFormat {
  const format = text?.format ?? null
  if (format === null) return { type: 'text' }
  if (format.type === 'json_object') return { type: 'json_object' }
  // A model is asked for the fields of a schema, and not held to it.
  return { type: 'json_schema', name: format.name ?? 'schema', schema: format.schema ?? {}, strict: false }
}
