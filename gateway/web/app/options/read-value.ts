import type { JsonSchema } from './json-schema.ts'

/** What was written into a control: its value, undefined where it is empty; or what is wrong with it. */
export type Read = { readonly value: unknown } | { readonly problem: string }

/** Reads what was written into a number's control. */
export function readNumber(text: string, schema: JsonSchema): Read {
  if (text.trim() === '') return { value: undefined }
  const value = Number(text.trim().replace(',', '.'))
  if (!Number.isFinite(value)) return { problem: 'Give a number.' }
  const problem = numberProblem(value, schema)
  return problem === null ? { value } : { problem }
}

function numberProblem(value: number, schema: JsonSchema): string | null {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = schema
  if (schema.type === 'integer' && !Number.isInteger(value)) return 'Give a whole number.'
  if (value < minimum) return `Give at least ${minimum}.`
  if (value > maximum) return `Give at most ${maximum}.`
  if (value <= exclusiveMinimum) return `Give more than ${exclusiveMinimum}.`
  if (value >= exclusiveMaximum) return `Give less than ${exclusiveMaximum}.`
  const steps = value / (schema.multipleOf ?? 1)
  if (schema.multipleOf !== undefined && Math.abs(steps - Math.round(steps)) > 1e-9) {
    return `Give a multiple of ${schema.multipleOf}.`
  }
  return null
}

/** Reads what was written into a text's control. */
export function readText(text: string, schema: JsonSchema): Read {
  if (text === '') return { value: undefined }
  const problem = textProblem(text, schema)
  return problem === null ? { value: text } : { problem }
}

function textProblem(
  text: string,
  { minLength = 0, maxLength = Infinity, pattern, examples }: JsonSchema,
): string | null {
  // As the gateway counts: UTF-16.
  const { length } = text
  if (length < minLength) return `Give at least ${minLength} characters.`
  if (length > maxLength) return `Give at most ${maxLength} characters; this has ${length}.`
  if (pattern !== undefined && !new RegExp(pattern, 'u').test(text)) {
    return typeof examples?.[0] === 'string' ? `Write it as in ${examples[0]}.` : 'This is not written as it should be.'
  }
  return null
}

/** Reads a list that was written with a text on each line. */
export function readList(text: string, schema: JsonSchema): Read {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (lines.length === 0) return { value: undefined }
  const { minItems = 0, maxItems = Infinity, items } = schema
  if (lines.length < minItems) return { problem: `Give at least ${minItems}.` }
  if (lines.length > maxItems) return { problem: `Give at most ${maxItems}; there are ${lines.length}.` }
  if (schema.uniqueItems === true && new Set(lines).size < lines.length) return { problem: 'Give each only once.' }
  for (const line of lines) {
    const problem = typeof items === 'object' ? textProblem(line, items) : null
    if (problem !== null) return { problem: `${line.slice(0, 40)}: ${problem}` }
  }
  return { value: lines }
}

/** Reads JSON. */
export function readJson(text: string, schema: JsonSchema): Read {
  if (text.trim() === '') return { value: undefined }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return { problem: `This is no JSON: ${error instanceof Error ? error.message.slice(0, 120) : ''}` }
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (schema.type === 'object' && !isObject) return { problem: 'Give an object: { … }.' }
  if (schema.type === 'array' && !Array.isArray(value)) return { problem: 'Give an array: [ … ].' }
  return { value }
}

/** Whether two values are the same JSON. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const [ofA, ofB] = [Object.entries(a), new Map(Object.entries(b))]
  return ofA.length === ofB.size && ofA.every(([name, value]) => ofB.has(name) && isSame(value, ofB.get(name)))
}

/** Sets a member, or leaves it out where it says nothing that does not hold anyway: undefined, the default, an empty group. */
export function withMember(
  value: Readonly<Record<string, unknown>>,
  { name, preset }: { readonly name: string; readonly preset: unknown },
  member: unknown,
): Record<string, unknown> {
  const { [name]: _, ...others } = value
  const isEmpty = typeof member === 'object' && member !== null && Object.keys(member).length === 0
  return member === undefined || isEmpty || isSame(member, preset) ? others : { ...value, [name]: member }
}
