import { z } from 'zod'
import { GatewayError } from '../errors.ts'

/**
 * Checks a value against a schema. Throws `unknown_option` or `invalid_value` for the first problem; `path` is the
 * value's place in the request body.
 */
export function check<T>(schema: z.ZodType<T>, value: unknown, path: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [first] = result.error.issues
  if (first === undefined) throw new GatewayError('invalid_value', 'The request is not valid.')
  const issue = innermost(first)
  const param = fieldPath(path, issue.path)
  if (issue.code === 'unrecognized_keys') {
    const name = `${param}.${issue.keys[0] ?? ''}`
    throw new GatewayError(
      'unknown_option',
      `Unknown option ${JSON.stringify(name)}. The options are: ${keysAt(schema, issue.path).join(', ')}.`,
      { param: name },
    )
  }
  throw new GatewayError('invalid_value', `${param === '' ? 'The request body' : param}: ${messageOf(issue)}.`, {
    param: param === '' ? undefined : param,
  })
}

type Issue = z.core.$ZodIssue

/** What Zod says of a value that may be one thing or another. */
const SAYS_NOTHING = 'Invalid input'

/**
 * Of a value that may be one thing or another, returns the problem within the one that it is meant to be; not where its
 * schema says itself what is wrong.
 */
function innermost(issue: Issue): Issue {
  if (issue.code !== 'invalid_union' || issue.message !== SAYS_NOTHING) return issue
  const inner = issue.errors.map(([first]) => first).find((first) => first !== undefined && first.path.length > 0)
  return inner === undefined ? issue : innermost({ ...inner, path: [...issue.path, ...inner.path] })
}

/** Says what a value may be, where Zod does not. */
function messageOf(issue: Issue): string {
  if (issue.code !== 'invalid_union' || issue.message !== SAYS_NOTHING) return issue.message
  const wanted = issue.errors.flatMap(([first]) => {
    if (first?.code === 'invalid_type') return [first.expected === 'record' ? 'object' : first.expected]
    return first?.code === 'invalid_value' ? first.values.map((value) => JSON.stringify(value)) : []
  })
  return wanted.length === 0 ? issue.message : `Invalid input: expected ${wanted.join(' or ')}`
}

/** Returns the keys of the object at a path in a schema. */
function keysAt(schema: unknown, [key, ...rest]: readonly PropertyKey[]): string[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable)
    return keysAt(schema.unwrap(), key === undefined ? [] : [key, ...rest])
  if (schema instanceof z.ZodUnion)
    return schema.options.flatMap((option) => keysAt(option, key === undefined ? [] : [key, ...rest]))
  if (!(schema instanceof z.ZodObject)) return []
  return key === undefined ? Object.keys(schema.shape) : keysAt(schema.shape[String(key)], rest)
}

function fieldPath(base: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text === '' ? String(key) : `${text}.${String(key)}`
  }, base)
}
