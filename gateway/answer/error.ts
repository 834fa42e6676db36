import { errorEntry, type ErrorCode } from '../errors.ts'
import type { UnitedErrorBody } from '../wire/mistral/errors.ts'
import type { ErrorBody } from '../wire/openai/errors.ts'

// What a client calls a field, or puts into one, may be as long as its request.
const MAX_MESSAGE_CHARACTERS = 2000
const MAX_PARAM_CHARACTERS = 500

/** What a client reads of an error. */
export interface ReadError {
  readonly code: ErrorCode
  readonly message: string
  readonly param: string | null
}

/** Builds the body that OpenAI's clients expect of an error. */
export function errorBody({ code, message, param }: ReadError): ErrorBody {
  return {
    error: {
      message: shortened(message, MAX_MESSAGE_CHARACTERS),
      type: errorEntry(code).type,
      param: param === null ? null : shortened(param, MAX_PARAM_CHARACTERS),
      code,
    },
  }
}

/** Builds the body of an error where OpenAI's and Mistral's clients use the same endpoint: each finds its own form in it. */
export function unitedErrorBody(thrown: ReadError): UnitedErrorBody {
  const { error } = errorBody(thrown)
  return { object: 'error', ...error, detail: error.message, error }
}

function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}
