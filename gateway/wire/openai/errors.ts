/** OpenAI's error envelope; all four keys are always there. */
export interface ErrorBody {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: string | null
  }
}

/** Builds the envelope that every OpenAI client understands. */
export function errorBody(error: ErrorBody['error']): ErrorBody {
  return { error: { message: error.message, type: error.type, param: error.param, code: error.code } }
}
