/** An answer that is an error, as vLLM words it. */
export class FakeHttpError extends Error {
  readonly status: number
  readonly body: unknown

  constructor(status: number, message: string, body: unknown) {
    super(message)
    this.name = 'FakeHttpError'
    this.status = status
    this.body = body
  }
}

/** Makes an error in vLLM's envelope, whose `code` is the status. */
export function httpError(status: number, type: string, message: string, param: string | null): FakeHttpError {
  return new FakeHttpError(status, message, { error: { message, type, param, code: status } })
}

/** Makes the 400 of a request that vLLM understood and cannot serve. */
export function badRequest(message: string, param: string | null = null): FakeHttpError {
  return httpError(400, 'BadRequestError', message, param)
}

/** Makes the 400 of a body that fails validation, whose type has a space in it. `param` is where: `body.messages`. */
export function invalidBody(problem: string, param: string | null = null): FakeHttpError {
  return httpError(400, 'Bad Request', `1 validation error:\n  ${problem}`, param)
}

/** Makes the 400 of a parameter, which its message names too. */
export function badParameter(message: string, param: string, value: string | number): FakeHttpError {
  return badRequest(`${message} (parameter=${param}, value=${value})`, param)
}

/** Makes the answer of the web framework itself, which has no `error`: 404 and 405. */
export function frameworkError(status: number, detail: string): FakeHttpError {
  return new FakeHttpError(status, detail, { detail })
}

/** Makes the 503 of elastic expert parallelism at work, whose `error` is a string. */
export function scalingError(): FakeHttpError {
  const message = 'The model is currently scaling. Please try again later.'
  return new FakeHttpError(503, message, { error: message })
}
