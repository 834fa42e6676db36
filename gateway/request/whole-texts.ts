import { GatewayError } from '../errors.ts'
import type { RequestBody } from './context.ts'
import { textOf } from './json-text.ts'

/** Nobody has that much to say about a document; all of it is held as text. In bytes. */
const MAX_BYTES = 8 * 1024 * 1024

/**
 * Returns what puts whole strings in the place of what stands for them in an outline, in a value of any depth. It throws
 * `body_too_large` where they are too long together, and `invalid_json`.
 */
export function wholeTexts({ longText }: Pick<RequestBody, 'longText'>) {
  let left = MAX_BYTES
  function whole(value: string): string
  function whole(value: unknown): unknown
  function whole(value: unknown): unknown {
    if (typeof value === 'string') {
      const long = longText(value)
      if (long === null) return value
      left -= long.to - long.from
      if (left < 0) throw tooLong()
      return textOf(long)
    }
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return value.map((each) => whole(each))
    return Object.fromEntries(Object.entries(value).map(([name, held]) => [whole(name), whole(held)]))
  }
  return whole
}

function tooLong(): GatewayError {
  return new GatewayError(
    'body_too_large',
    `The texts and options beside the documents are longer than ${MAX_BYTES} bytes together. Send shorter ones.`,
  )
}
