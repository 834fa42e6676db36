import type { ModelList } from '../../../wire/openai/models.ts'
import { type ReadEvent, readEvents } from './events.ts'
import { ConnectionLost, isObject, ProblemError, problemOf } from './problem.ts'
import { requestBody, type Question } from './request-body.ts'

/** The gateway, as it is asked from a tab. */
export interface Gateway {
  readonly models: () => Promise<readonly string[]>
  /** The JSON Schema of the `ocr` object; null: the gateway describes none. */
  readonly optionsSchema: () => Promise<Record<string, unknown> | null>
  readonly read: (question: Question, signal: AbortSignal) => AsyncGenerator<ReadEvent, void, undefined>
  readonly deleteFile: (id: string) => Promise<void>
}

/** What a request may have. */
interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Blob
  readonly signal?: AbortSignal
}

/** `fetch`, or what stands in for it. */
export type Send = (path: string, init: Asked) => Promise<Response>

/** Creates the gateway that answers at the addresses of this page. The key goes into a header, and into no address. */
export function createGateway(keyOf: () => string | null, send: Send): Gateway {
  const ask = async (path: string, init: Asked = {}): Promise<Response> => {
    const response = await send(path, { ...init, headers: { ...init.headers, ...authorization(keyOf()) } }).catch(
      (error: unknown) => {
        if (init.signal?.aborted === true) throw error
        throw new ConnectionLost('The gateway does not answer.', { cause: error })
      },
    )
    if (!response.ok) throw new ProblemError(await problemOf(response))
    return response
  }
  return {
    models: async () => modelsIn((await (await ask('v1/models')).json()) as ModelList),
    optionsSchema: async () => {
      const response = await ask('openapi.json').catch(() => null)
      return response === null ? null : schemaIn(await response.json().catch(() => null))
    },
    async *read(question, signal) {
      const { headers, body } = await ask('v1/chat/completions', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: requestBody(question),
        signal,
      })
      if (body === null) throw new ConnectionLost('The gateway does not answer.')
      const total = Number(headers.get('x-ocr-pages'))
      if (total > 0) yield { type: 'pages', total }
      yield* readEvents(body)
    },
    deleteFile: async (id) => {
      await ask(`v1/files/${encodeURIComponent(id)}`, { method: 'DELETE' })
    },
  }
}

/** The header that names the caller. */
export function authorization(key: string | null): Record<string, string> {
  return key === null ? {} : { authorization: `Bearer ${key}` }
}

/** Models that read documents: others may be behind the same gateway. */
function modelsIn({ data }: ModelList): string[] {
  return data.filter(({ capabilities }) => capabilities.ocr).map(({ id }) => id)
}

function schemaIn(description: unknown): Record<string, unknown> | null {
  const found = member(member(member(description, 'components'), 'schemas'), 'OcrOptions')
  return isObject(found) ? found : null
}

function member(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : null
}
