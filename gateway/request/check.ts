import { z } from 'zod'
import { GatewayError } from '../errors.ts'

/**
 * Checks a value against a schema. Throws `unknown_option` or `invalid_value` for the first problem; `path` is the
 * value's place in the request body.
 */
export function check<T>(schema: z.ZodType<T>, value: unknown, path: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  if (issue === undefined) throw new GatewayError('invalid_value', 'The request is not valid.')
  const param = fieldPath(path, issue.path)
  if (issue.code === 'unrecognized_keys') {
    const name = `${param}.${issue.keys[0] ?? ''}`
    throw new GatewayError(
      'unknown_option',
      `Unknown option ${JSON.stringify(name)}. The options are: ${keysAt(schema, issue.path).join(', ')}.`,
      { param: name },
    )
  }
  throw new GatewayError('invalid_value', `${param === '' ? 'The request body' : param}: ${issue.message}.`, {
    param: param === '' ? undefined : param,
  })
}

/** Returns the keys of the object at a path in a schema. */
function keysAt(schema: unknown, [key, ...rest]: readonly PropertyKey[]): string[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable)
    return keysAt(schema.unwrap(), key === undefined ? [] : [key, ...rest])
  if (!(schema instanceof z.ZodObject)) return []
  return key === undefined ? Object.keys(schema.shape) : keysAt(schema.shape[String(key)], rest)
}

function fieldPath(base: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text === '' ? String(key) : `${text}.${String(key)}`
  }, base)
}
