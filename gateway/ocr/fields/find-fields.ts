import { propertiesOf, resolveNode, type SchemaNode } from '../../request/fields-schema.ts'
import { readAmount } from './formats/amount.ts'
import { checkFormat } from './formats/formats.ts'
import { pointerStep } from './read-object.ts'

/** A value that a schema asks for, as it was read. */
export interface FoundField {
  /** JSON pointer. */
  readonly pointer: string
  /** As it is written on the page; null where it is missing. A list or an object stands here as JSON, where none was asked for. */
  readonly value: string | number | boolean | null
  readonly status: 'ok' | 'doubtful' | 'invalid' | 'missing'
  /** In the one form of its format, or as the number that it stands for; null where it has none. */
  readonly normalized: string | null
  readonly reason: string | null
  /** How sure the model must be of it, as the schema says; null: the schema says nothing. */
  readonly minConfidence: number | null
}

/** The values of an object, and the object as its schema wants it. */
export interface FoundFields {
  readonly fields: readonly FoundField[]
  /** Dates in ISO 8601, numbers for numbers in text, and text for numbers, where the schema says so; all else as it was. */
  readonly object: Readonly<Record<string, unknown>>
}

/** An answer with more values than this has the others unchecked. */
export const MAX_FIELDS = 2000

/** Finds the values that a schema asks for in an object, and looks at each. */
export function findFields(schema: SchemaNode, object: Readonly<Record<string, unknown>>): FoundFields {
  const search: Search = { schema, nodes: new Map(), fields: [] }
  const conformed = inObject(search, resolveNode(schema, schema), object, '', false)
  return { fields: search.fields, object: conformed }
}

interface Search {
  readonly schema: SchemaNode
  /** Parts of the schema that were resolved: rows of a list have the same ones. */
  readonly nodes: Map<unknown, SchemaNode>
  readonly fields: FoundField[]
}

function inValue(search: Search, part: unknown, value: unknown, pointer: string, isInList: boolean): unknown {
  if (search.fields.length >= MAX_FIELDS) return value
  const node = search.nodes.get(part) ?? resolveNode(search.schema, part)
  search.nodes.set(part, node)
  if (isObject(value) && !isScalarNode(node)) return inObject(search, node, value, pointer, isInList)
  if (Array.isArray(value) && !isScalarNode(node)) return inList(search, node, value, pointer)
  const { conformed, ...field } = scalar(node, value)
  search.fields.push({ pointer, minConfidence: minConfidenceOf(node), ...field })
  return conformed
}

function inObject(
  search: Search,
  node: SchemaNode,
  object: Readonly<Record<string, unknown>>,
  pointer: string,
  isInList: boolean,
): Readonly<Record<string, unknown>> {
  const properties = propertiesOf(node)
  const conformed = new Map<string, unknown>(Object.entries(object))
  for (const [name, part] of Object.entries(properties)) {
    const at = pointer + pointerStep(name)
    if (Object.hasOwn(object, name)) conformed.set(name, inValue(search, part, object[name], at, isInList))
    // Rows of a list need not have all that its schema names.
    else if (!isInList && search.fields.length < MAX_FIELDS) search.fields.push({ pointer: at, ...MISSING })
  }
  return Object.fromEntries(conformed)
}

const MISSING = { value: null, status: 'missing', normalized: null, reason: null, minConfidence: null } as const

function inList(search: Search, node: SchemaNode, list: readonly unknown[], pointer: string): unknown {
  if (list.length === 0) search.fields.push({ pointer, ...MISSING })
  return list.map((item, index) => inValue(search, node['items'], item, pointer + pointerStep(index), true))
}

function isScalarNode({ type }: SchemaNode): boolean {
  const types = typesOf(type)
  return types.size > 0 && !types.has('object') && !types.has('array')
}

function typesOf(type: unknown): ReadonlySet<unknown> {
  return new Set(Array.isArray(type) ? (type as unknown[]) : typeof type === 'string' ? [type] : [])
}

function minConfidenceOf(node: SchemaNode): number | null {
  const wanted = node['x-min-confidence']
  return typeof wanted === 'number' && wanted >= 0 && wanted <= 1 ? wanted : null
}

type Looked = Omit<FoundField, 'pointer' | 'minConfidence'> & { readonly conformed: unknown }

function scalar(node: SchemaNode, value: unknown): Looked {
  const none = { normalized: null, reason: null }
  if (isEmpty(value)) return { ...none, value: null, status: 'missing', conformed: value }
  if (typeof value === 'object') {
    return { ...none, value: asJson(value), status: 'ok', conformed: value }
  }
  if (typeof value === 'boolean') return { ...none, value, status: 'ok', conformed: value }
  const types = typesOf(node['type'])
  const isNumeric = types.has('number') || types.has('integer')
  if (typeof value === 'string' && isNumeric && !types.has('string')) return numberIn(value)
  const isText = types.has('string') && !isNumeric
  const written = value as string | number
  const conformed = isText ? String(written) : written
  const verdict = checkFormat(node['format'], String(written))
  if (verdict === null) return { ...none, value: written, status: 'ok', conformed }
  const isDay = node['format'] === 'date' && verdict.status === 'ok'
  return { ...verdict, value: written, conformed: isDay ? verdict.normalized : conformed }
}

/** A number that was written as text, with separators or a currency. */
function numberIn(value: string): Looked {
  const read = readAmount(value)
  if ('status' in read) return { ...read, value, conformed: value }
  const number = Number(read.number)
  return { value, status: 'ok', normalized: read.number, reason: null, conformed: number }
}

/** Models write all of these where a page shows no value. */
export function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || (typeof value === 'string' && value.trim() === '')
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function asJson(value: unknown): string {
  return JSON.stringify(value) ?? ''
}
