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

/** Makes the 400 of a body that fails validation, whose type has a space in it. */
export function invalidBody(message: string): FakeHttpError {
  return httpError(400, 'Bad Request', message, null)
}

/** Makes the 503 of elastic expert parallelism at work, whose `error` is a string. */
export function scalingError(): FakeHttpError {
  const message = 'The model is currently scaling. Please try again later.'
  return new FakeHttpError(503, message, { error: message })
}
