import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import { openApiDocument } from '../../gateway/http/openapi/document.ts'

/** An answer, as it has left. */
export interface SentAnswer {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly status: number
  readonly header: (name: string) => string | undefined
  /** Null: it was too long to be kept. */
  readonly body: Buffer | null
}

/** What answers may be, by the gateway's own description. */
export interface Contract {
  /** Says what is wrong with an answer: its path, and the field. */
  problems(answer: SentAnswer): string[]
}

interface WrittenOperation {
  readonly responses: Readonly<Record<string, { readonly $ref?: string }>>
}

interface WrittenResponse {
  readonly headers?: Readonly<Record<string, unknown>>
  readonly content?: Readonly<Record<string, object>>
}

const ID = 'openapi'

/** Creates it; schemas are compiled when they are first needed. */
export function createContract(): Contract {
  const document = openApiDocument('0.0.0')
  const ajv = new Ajv2020({
    strict: false,
    validateFormats: false,
    validateSchema: false,
    logger: false,
    verbose: true,
  })
  ajv.addSchema(document, ID)
  const paths = Object.keys(document.paths)
    .toSorted((a, b) => Number(a.includes('{')) - Number(b.includes('{')))
    .map((path) => ({ path, pattern: patternOf(path) }))
  const headerNames = Object.keys(document.components['headers'] ?? {})

  const invalid = (pointer: string, value: unknown): string | null => {
    const validate = ajv.getSchema(`${ID}#${pointer}`)
    if (validate === undefined) throw new Error(`no schema at ${pointer}`)
    return validate(value) === true ? null : saidOf(validate.errors ?? [])
  }

  function operationOf(
    method: string,
    path: string,
  ): { readonly pointer: string; readonly operation: WrittenOperation } | null {
    const name = (method === 'HEAD' ? 'GET' : method).toLowerCase()
    const found = paths.find(
      ({ path: known, pattern }) => pattern.test(path) && document.paths[known]?.[name] !== undefined,
    )
    const operation = document.paths[found?.path ?? '']?.[name]
    if (found === undefined || operation === undefined) return null
    return { pointer: `/paths/${escaped(found.path)}/${name}`, operation: operation as WrittenOperation }
  }

  function bodyProblem(pointer: string, response: WrittenResponse, answer: SentAnswer): string | null {
    const { status, body, method } = answer
    const type = answer.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? null
    if (response.content === undefined) return body?.length ? `it has a body (${type})` : null
    const media = [type ?? '', '*/*'].find((known) => Object.hasOwn(response.content ?? {}, known))
    if (media === undefined) return status === 304 ? null : `content-type ${type} is not described`
    if (method === 'HEAD' || body === null || answer.header('content-encoding') !== undefined) return null
    const schema = `${pointer}/content/${escaped(media)}/schema`
    if (media === 'application/json') return invalid(schema, parsed(body.toString()))
    if (media === 'text/event-stream') return eventsProblem(body.toString(), (event) => invalid(schema, event))
    return null
  }

  function problemOf(answer: SentAnswer): string | null {
    const found = operationOf(answer.method, normal(answer.path))
    if (found === null) return unknownProblem(answer)
    const status = [String(answer.status), 'default'].find((known) => Object.hasOwn(found.operation.responses, known))
    if (status === undefined) return 'the status is not described'
    const refers = found.operation.responses[status]?.$ref
    const pointer = refers?.slice(1) ?? `${found.pointer}/responses/${status}`
    const response = at(document, pointer) as WrittenResponse
    const undescribed =
      status === 'default'
        ? []
        : headerNames.filter((name) => answer.header(name) !== undefined && !describes(response, name))
    if (undescribed.length > 0) return `the header ${undescribed.join(', ')} is not described`
    return bodyProblem(pointer, response, answer)
  }

  /** What is no route is refused. */
  function unknownProblem({ method, status, body }: SentAnswer): string | null {
    if (method === 'OPTIONS' && status === 204) return null
    if (status < 400) return 'the path is not described'
    if (body === null || method === 'HEAD') return null
    const said = parsed(body.toString())
    const problems = ['Error', 'UnitedError'].map((name) => invalid(`/components/schemas/${name}`, said))
    return problems.includes(null) ? null : (problems[0] ?? null)
  }

  return {
    problems(answer) {
      const problem = problemOf(answer)
      return problem === null ? [] : [`${answer.method} ${normal(answer.path)} → ${answer.status}: ${problem}`]
    },
  }
}

// What Express, proxies and HEAD leave out, or add to any answer.
const EVERYWHERE = new Set(['content-length', 'etag', 'x-request-id'])

const describes = ({ headers = {} }: WrittenResponse, name: string): boolean =>
  EVERYWHERE.has(name) || name.startsWith('x-ratelimit-') || Object.hasOwn(headers, name)

function eventsProblem(text: string, invalid: (event: unknown) => string | null): string | null {
  const events = text
    .split('\n\n')
    .map((event) => event.split('\n').filter((line) => line.startsWith('data:')))
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => line.slice('data:'.length).trim()).join('\n'))
  for (const [index, data] of events.entries()) {
    const problem = data === '[DONE]' ? null : invalid(parsed(data))
    if (problem !== null) return `event ${index}: ${problem}`
  }
  return null
}

/** Says which fields are wrong: those that lie deepest, because a choice of forms fails with each of them. */
function saidOf(errors: readonly ErrorObject[]): string {
  const depth = ({ instancePath }: ErrorObject): number => instancePath.split('/').length
  return errors
    .toSorted((a, b) => depth(b) - depth(a))
    .slice(0, 3)
    .map(
      ({ instancePath, message, params, data }) =>
        `${instancePath || 'the whole'} ${message} ${JSON.stringify(params)}, and is ${shown(data)}`,
    )
    .join('; ')
}

const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 100) ?? 'nothing'

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1')

function at(document: object, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], document)
}

/** As the gateway routes. */
function normal(path: string): string {
  const short = path.replaceAll(/\/{2,}/g, '/')
  return short.length > 1 && short.endsWith('/') ? short.slice(0, -1) : short
}

/** The name of a model may have slashes. */
function patternOf(path: string): RegExp {
  const one = path === '/v1/models/{id}' ? '.+' : '[^/]+'
  const text = path.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`).replaceAll(/\{\w+\}/g, one)
  return new RegExp(`^${text}$`)
}
