import { errorEntry, type ErrorCode } from '../../errors.ts'
import { json, type Operation } from './operation.ts'
import { ref, type JsonSchema } from './schemas.ts'

/** What may become of any request, whatever it asks for. */
const ANYWHERE = [
  'malformed_request',
  'headers_too_large',
  'expectation_failed',
  'request_timeout',
  'queue_full',
  'forbidden',
  'internal_error',
] as const

/** What may become of a request that a key is asked for. */
const WITH_KEY = ['invalid_api_key', 'draining', 'storage_unavailable'] as const

/** The answers of operations that fail; those that are alike stand once under `components.responses`. */
export interface ErrorAnswers {
  /** Refers to what an operation answers when it fails, by status, with the codes that can occur. */
  of(operation: Operation): Record<string, JsonSchema>
  /** All that were referred to, by name. */
  all(): Record<string, object>
}

/** Creates a collection of them. */
export function createErrorAnswers(): ErrorAnswers {
  const named = new Map<string, { readonly name: string; readonly answer: object }>()
  const refTo = (status: number, answer: object): JsonSchema => {
    const key = `${status} ${JSON.stringify(answer)}`
    const alike = [...named.keys()].filter((other) => other.startsWith(`${status} `)).length
    const found = named.get(key) ?? { name: `Error${status}${alike === 0 ? '' : `_${alike + 1}`}`, answer }
    named.set(key, found)
    return { $ref: `#/components/responses/${found.name}` }
  }
  return {
    of(operation) {
      const byStatus = Map.groupBy(codesOf(operation), (code) => errorEntry(code).status)
      const answers = [...byStatus].map(
        ([status, codes]) => [String(status), refTo(status, errorAnswer(status, codes, operation))] as const,
      )
      const passedOn = operation.isPassedOn === true ? { default: { $ref: '#/components/responses/PassedOn' } } : {}
      return { ...Object.fromEntries(answers), ...passedOn }
    },
    all: () => ({
      ...Object.fromEntries([...named.values()].map(({ name, answer }) => [name, answer])),
      PassedOn: PASSED_ON,
    }),
  }
}

function codesOf({ access, method, path, errors }: Operation): ErrorCode[] {
  const keyed = access === undefined ? WITH_KEY : []
  const counted =
    access === undefined && (method === 'post' || method === 'put') ? (['rate_limit_exceeded'] as const) : []
  const named = path.includes('{') ? (['not_found'] as const) : []
  return [...new Set<ErrorCode>([...errors, ...ANYWHERE, ...keyed, ...counted, ...named])].toSorted()
}

function errorAnswer(status: number, codes: readonly ErrorCode[], operation: Operation): object {
  const { errorForm, isPassedOn, answers } = operation
  const forms = errorForm === 'Mistral' ? [ref('UnitedError')] : [ref('Error'), ref('UnitedError')]
  const said = { properties: { error: { properties: { code: { enum: codes } } } } }
  const own: JsonSchema = { ...(forms.length === 1 ? forms[0] : { anyOf: forms }), ...said }
  return {
    description: codes.map((code) => `\`${code}\``).join(', '),
    headers: headerRefs(['x-request-id', 'x-should-retry', 'retry-after']),
    // A page that is not built has this status, too.
    content: {
      ...answers[status]?.content,
      ...json(isPassedOn === true ? { anyOf: [own, ref('UpstreamError')] } : own),
    },
  }
}

const PASSED_ON = {
  description: 'What an upstream has answered to what was passed on to it, with its own status.',
  content: { '*/*': { schema: {} } },
}

/** Refers to headers by their names. */
export const headerRefs = (names: readonly string[]): Record<string, JsonSchema> =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
