import type { ErrorCode } from '../../errors.ts'
import type { JsonSchema, SchemaName } from './schemas.ts'

/** What operations are sorted by. */
export const tags = {
  Documents: 'Documents in, Markdown out: in the protocol of OpenAI, of Mistral, or of Open WebUI.',
  Responses: 'Responses that are kept: read in the background, fetched, cancelled, deleted.',
  Files: 'Documents that are stored once and named in requests.',
  Uploads: 'Files that come in parts.',
  Batches: 'The requests of a file, answered while nobody waits.',
  Models: 'What can be asked.',
  Operation: 'How the gateway does, what was used, and who was told of what.',
  Pages: 'What people look at in a browser.',
} as const

/** What an operation belongs to. */
export type Tag = keyof typeof tags

/** A body, in one of its media types. */
export interface Content {
  readonly schema: JsonSchema
  readonly examples?: Readonly<Record<string, { readonly summary: string; readonly value: unknown }>>
}

/** A parameter in the query, the path or a header. */
export interface Parameter {
  readonly name: string
  readonly in: 'query' | 'path' | 'header'
  readonly description: string
  readonly schema: JsonSchema
  readonly example?: unknown
}

/** The name of a header of answers, under `components.headers`. */
export type HeaderName = 'x-cache' | 'x-ocr-pages' | 'etag' | 'content-disposition' | 'content-length'

/** What an operation answers when it succeeds. */
export interface Answer {
  readonly description: string
  /** By media type; left out: no body. */
  readonly content?: Readonly<Record<string, Content>>
  readonly headers?: readonly HeaderName[]
}

/** One method of one path: what it takes, what it answers, how it fails. */
export interface Operation {
  readonly id: string
  readonly method: 'get' | 'post' | 'put' | 'delete'
  readonly path: string
  /** Other paths of the same. */
  readonly also?: readonly string[]
  readonly tag: Tag
  readonly summary: string
  readonly description?: string
  readonly parameters?: readonly Parameter[]
  readonly body?: {
    readonly description?: string
    readonly isOptional?: true
    readonly content: Readonly<Record<string, Content>>
  }
  /** By status. */
  readonly answers: Readonly<Record<number, Answer>>
  /** The codes with which it may fail, beside those of every operation. */
  readonly errors: readonly ErrorCode[]
  /** Whose clients read its errors. */
  readonly errorForm: 'OpenAI' | 'Mistral'
  /** No key is asked for; `metrics`: that of GATEWAY_METRICS_KEY; `operator`: that of an admin, or that of the metrics. */
  readonly access?: 'open' | 'metrics' | 'operator'
  /** What an upstream answers may be passed on in place of the gateway's own answer. */
  readonly isPassedOn?: true
}

/** The body of a JSON answer, or request. */
export const json = (schema: JsonSchema, examples?: Content['examples']) => ({
  'application/json': { schema, ...(examples === undefined ? {} : { examples }) },
})

/** An answer that is one JSON object. */
export const answered = (name: SchemaName, description: string): Readonly<Record<number, Answer>> => ({
  200: { description, content: json({ $ref: `#/components/schemas/${name}` }) },
})

/** An id in a path. */
export const idParameter = (description: string, example: string): Parameter => ({
  name: 'id',
  in: 'path',
  description,
  schema: { type: 'string', minLength: 1 },
  example,
})

/** A parameter in the query. */
export const query = (name: string, description: string, schema: JsonSchema): Parameter => ({
  name,
  in: 'query',
  description,
  schema,
})

/** Where a list begins and how long it is, as OpenAI's lists have it. */
export const listQuery = (what: string, most: number, usual: number): readonly Parameter[] => [
  query('after', `The id of ${what} after which the list begins.`, { type: 'string' }),
  query('limit', `How many at most.`, { type: 'integer', minimum: 1, maximum: most, default: usual }),
]

/** What can be wrong with a JSON body. */
export const BODY_ERRORS = ['invalid_json', 'invalid_value', 'body_too_large', 'unsupported_media_type'] as const

/** What can be wrong with documents, or keep them from being read. */
export const READING_ERRORS = [
  'invalid_value',
  'unknown_option',
  'invalid_base64',
  'document_unreadable',
  'document_encrypted',
  'wrong_password',
  'document_empty',
  'page_out_of_range',
  'too_many_pages',
  'page_too_large',
  'page_timeout',
  'url_not_allowed',
  'download_failed',
  'model_not_found',
  'file_not_found',
  'document_too_large',
  'unsupported_media_type',
  'engine_error',
  'engine_unavailable',
  'engine_timeout',
] as const

/** What can keep a file from being stored. */
export const STORING_ERRORS = ['storage_full', 'document_too_large', 'document_empty'] as const
