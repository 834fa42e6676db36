/** Statuses that a gateway in front of failing servers may answer with. */
const HONEST = new Set([200, 400, 401, 404, 408, 413, 415, 422, 429, 499, 502, 503, 504])

/** Returns what is wrong with an answer: a 500, an error that says nothing, a 429 that does not say when; null: nothing. */
export function errorProblem(response: Response, text: string, kind: string): string | null {
  const { status, headers } = response
  const say = (what: string): string => `${kind}: ${what}: ${status} ${text.slice(0, 300)}`
  // What is passed on fails as its server does, which serves another model now and then.
  if (kind === 'passed on' && (status >= 500 || status === 404)) return null
  if (!HONEST.has(status)) return say('no such answer is honest')
  if (headers.get('x-request-id') === null) return say('no x-request-id')
  if (status === 200) return null
  if (status === 429 && !(Number(headers.get('retry-after')) >= 1)) return say('no Retry-After')
  const error = (parse(text) as { error?: { message?: unknown; code?: unknown } } | null)?.error
  return typeof error?.message === 'string' && typeof error.code === 'string' ? null : say('no error that says what')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
