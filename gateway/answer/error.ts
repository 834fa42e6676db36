import { errorEntry, type GatewayError } from '../errors.ts'
import type { ErrorBody } from '../wire/openai/errors.ts'

/** Builds the body that OpenAI's clients expect of an error. */
export function errorBody({ code, message, param }: GatewayError): ErrorBody {
  return { error: { message, type: errorEntry(code).type, param, code } }
}
