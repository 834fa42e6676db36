import { createErrorAnswers, headerRefs, type ErrorAnswers } from './error-answers.ts'
import { tags, type Answer, type Content, type Operation } from './operation.ts'
import { batchOperations } from './operations/batches.ts'
import { documentOperations } from './operations/documents.ts'
import { storedOperations } from './operations/files.ts'
import { insideOperations } from './operations/inside.ts'
import { pageOperations } from './operations/pages.ts'
import { responseOperations } from './operations/responses.ts'
import { componentSchemas, ref } from './schemas.ts'

/** Every route of the gateway. */
export const operations: readonly Operation[] = [
  ...documentOperations,
  ...responseOperations,
  ...storedOperations,
  ...batchOperations,
  ...insideOperations,
  ...pageOperations,
]

/** An OpenAPI document, as far as it is looked into. */
export interface OpenApiDocument {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>
  readonly components: Readonly<Record<string, Readonly<Record<string, object>>>>
}

/** Writes the description of the gateway: an OpenAPI document of version 3.1. */
export function openApiDocument(version: string): OpenApiDocument {
  const errors = createErrorAnswers()
  return {
    openapi: '3.1.1',
    ...about(version),
    paths: pathItems(errors),
    ...WEBHOOKS,
    components: {
      schemas: componentSchemas(),
      responses: errors.all(),
      headers: HEADERS,
      securitySchemes: SECURITY,
    },
  }
}

const about = (version: string) => ({
  info: {
    title: 'ocr-gateway',
    version,
    summary: 'PDFs and images in, Markdown out, in the protocols of OpenAI, Mistral and Open WebUI.',
    description:
      'Where the gateway has keys, send one as `Authorization: Bearer KEY`, or in `api-key` or `x-api-key`. ' +
      'Every error is `{"error": {"message", "type", "param", "code"}}`: the message says what to do, `code` is one of those that are listed with each status. ' +
      'The gateway’s own options stand in `ocr`, in requests and in answers.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/', description: 'This gateway.' }],
  tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
  // What asks for none says so itself. A gateway without keys asks for none at all.
  security: ANY_KEY,
})

const SECURITY = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'A key of GATEWAY_API_KEYS or GATEWAY_KEYS_FILE, or a token.',
  },
  apiKey: { type: 'apiKey', in: 'header', name: 'api-key', description: 'The same, as Azure’s clients send it.' },
  xApiKey: {
    type: 'apiKey',
    in: 'header',
    name: 'x-api-key',
    description: 'The same, as Anthropic’s clients send it.',
  },
  metricsKey: { type: 'http', scheme: 'bearer', description: 'The key of GATEWAY_METRICS_KEY.' },
}

const ANY_KEY = [{ bearer: [] }, { apiKey: [] }, { xApiKey: [] }, {}]

const SECURITY_OF = { open: [], metrics: [{ metricsKey: [] }, {}], operator: [...ANY_KEY, { metricsKey: [] }] } as const

const text = { type: 'string' }
const header = (description: string, schema: object = text) => ({ description, schema })
const LIMITS = ['requests', 'pages'].flatMap((counted) => [
  [`x-ratelimit-limit-${counted}`, header(`How many ${counted} the caller has in a minute.`)] as const,
  [`x-ratelimit-remaining-${counted}`, header(`How many ${counted} are left of them.`)] as const,
  [`x-ratelimit-reset-${counted}`, header(`When all ${counted} are there again: \`12s\`, \`1m0s\`.`)] as const,
])

const HEADERS = {
  'x-request-id': header('The id of the request: the caller’s own, or a new one.'),
  'x-cache': header('Whether the pages came from the cache: all, none, some.', { enum: ['HIT', 'MISS', 'PARTIAL'] }),
  'x-ocr-pages': header('Of a stream: how many pages it will have.', { type: 'integer' }),
  'x-should-retry': header('Whether the same request may succeed later.', { enum: ['true', 'false'] }),
  'retry-after': header('In how many seconds, at most 60.', { type: 'integer', minimum: 0, maximum: 60 }),
  etag: header('Changes when the answer does.'),
  'content-disposition': header('The name of the file.'),
  'content-length': header('How many bytes it has.', { type: 'integer' }),
  ...Object.fromEntries(LIMITS),
}

const WEBHOOKS = {
  webhooks: {
    event: {
      post: {
        operationId: 'onEvent',
        tags: ['Operation'],
        summary: 'A batch, or a background response, has ended',
        description:
          'Sent to GATEWAY_WEBHOOK_URL, signed as Standard Webhooks say. `batch.completed`, `batch.failed`, `batch.expired`, `batch.cancelled`, `response.completed`, `response.failed`, `response.cancelled`.',
        parameters: ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => ({
          name,
          in: 'header',
          required: true,
          schema: text,
        })),
        requestBody: { required: true, content: { 'application/json': { schema: ref('WebhookPayload') } } },
        responses: {
          '2XX': { description: 'It has arrived.' },
          410: { description: 'It is not wanted, and not sent again.' },
          default: { description: 'It is sent again later.' },
        },
      },
    },
  },
}

function pathItems(errors: ErrorAnswers): OpenApiDocument['paths'] {
  const entries = operations.flatMap((operation) =>
    [operation.path, ...(operation.also ?? [])].map((path) => ({ path, operation })),
  )
  const byPath = Map.groupBy(entries, ({ path }) => path)
  return Object.fromEntries(
    [...byPath].map(([path, found]) => [
      path,
      Object.fromEntries(found.map(({ operation }) => [operation.method, written(operation, path, errors)])),
    ]),
  )
}

function written(operation: Operation, path: string, errors: ErrorAnswers): object {
  const { id, method, tag, summary, description, parameters = [], body, access } = operation
  const isSame = path !== operation.path
  const saidElsewhere = `The same as \`${method.toUpperCase()} ${operation.path}\`.`
  return {
    operationId: isSame ? `${id}${path.startsWith('/v1/') ? 'V1' : 'Bare'}` : id,
    tags: [tag],
    summary: isSame ? `${summary} (${path})` : summary,
    ...(isSame ? { description: saidElsewhere } : description === undefined ? {} : { description }),
    ...(access === undefined ? {} : { security: SECURITY_OF[access] }),
    parameters: [...parameters.map(parameter), REQUEST_ID],
    ...(body === undefined ? {} : { requestBody: requestBody(body) }),
    responses: { ...answers(operation), ...errors.of(operation) },
  }
}

const REQUEST_ID = {
  name: 'x-request-id',
  in: 'header',
  description: 'An id for the request, of 1 to 128 letters, digits and `_.:-`; any other is replaced.',
  schema: text,
}

function parameter({ name, in: place, description, schema, example }: NonNullable<Operation['parameters']>[number]) {
  const required = place === 'path' ? { required: true } : {}
  return { name, in: place, description, ...required, schema, ...(example === undefined ? {} : { example }) }
}

function requestBody({ description, isOptional, content }: NonNullable<Operation['body']>): object {
  return { ...(description === undefined ? {} : { description }), required: isOptional !== true, content }
}

function answers({ answers, access, method }: Operation): Record<string, object> {
  const limits = access === undefined && (method === 'post' || method === 'put') ? LIMITS.map(([name]) => name) : []
  const known = Object.entries(answers).map(([status, answer]) => [status, writtenAnswer(answer, limits)] as const)
  const isKept = Object.values(answers).some(({ headers = [] }) => headers.includes('etag'))
  return {
    ...Object.fromEntries(known),
    ...(isKept ? { 304: { description: 'What the client has is still right.' } } : {}),
  }
}

function writtenAnswer({ description, content, headers = [] }: Answer, limits: readonly string[]): object {
  return {
    description,
    headers: headerRefs(['x-request-id', ...headers, ...limits]),
    ...(content === undefined ? {} : { content: content satisfies Readonly<Record<string, Content>> }),
  }
}
