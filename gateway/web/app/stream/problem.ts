/** Why something did not work, in the gateway's own words where it has said any. */
export interface Problem {
  /** Of the answer; null: there was none. */
  readonly status: number | null
  readonly code: string | null
  readonly message: string
}

/** A problem that is thrown. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.message)
    this.problem = problem
  }
}

/** An answer that broke off. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
}

/** Reads why an answer is none. */
export async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => '')
  return problemIn(text, response.status)
}

/** Reads a problem out of the text of an answer, which may be a proxy's. */
export function problemIn(text: string, status: number): Problem {
  return errorIn(parsed(text), status) ?? { status, code: null, message: `The server answered with status ${status}.` }
}

/** Reads the `error` object of an answer or an event; null: it has none. */
export function errorIn(body: unknown, status: number | null): Problem | null {
  if (!isObject(body) || !isObject(body['error'])) return null
  const { message, code } = body['error']
  return {
    status,
    code: typeof code === 'string' ? code : null,
    message: typeof message === 'string' ? message : 'The gateway could not read the document.',
  }
}

/** Says whether something is an object, of whatever members. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
