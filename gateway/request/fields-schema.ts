import { GatewayError } from '../errors.ts'

/** A JSON Schema, or a part of one. */
export type SchemaNode = Readonly<Record<string, unknown>>

/** What a task that extracts is to find, and how its answer is checked. */
export interface FieldsWish {
  /** Names no other schema. */
  readonly schema: SchemaNode
  /** What errors call the schema. */
  readonly param: string
  /** How sure the model must be of each value; null: any value will do. */
  readonly minConfidence: number | null
  /** Whether the pages' objects become one. */
  readonly isJoined: boolean
  /** Returns the text that asks for some of the names again; `failures` says what was wrong with them. */
  readonly askAgain: (names: readonly string[], failures: string) => string
}

const MAX_PROPERTIES = 1000
const MAX_CHARACTERS = 262_144
const MAX_DEPTH = 64
const MAX_PATTERN_CHARACTERS = 1000

/** Names of values that are no schemas. */
const VALUES: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples', 'required'])
const REFERENCES: ReadonlySet<string> = new Set(['$ref', '$dynamicRef', '$recursiveRef'])

/**
 * Checks that a schema is no larger than it may be, and refers to nothing but its own parts. Throws `invalid_value`. Whether
 * it is a schema at all is known when it is compiled.
 */
export function checkSchema(schema: SchemaNode, param: string): void {
  const refuse = (problem: string) => new GatewayError('invalid_value', `${param}: ${problem}.`, { param })
  let properties = 0
  let characters = 0
  const waiting: Part[] = [{ value: schema, depth: 1, kind: 'schema' }]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, depth, kind } = next
    if (typeof value !== 'object' || value === null) continue
    if (depth > MAX_DEPTH) throw refuse(`the schema has more than ${MAX_DEPTH} levels. Use "$ref" for what repeats`)
    for (const [name, child] of Object.entries(value)) {
      characters += name.length + (typeof child === 'string' ? child.length : 8)
      // Counted as it goes: what is too large is not looked at to its end.
      if (characters > MAX_CHARACTERS) throw refuse(`the schema has more than ${MAX_CHARACTERS / 1024} KB`)
      if (kind === 'names') properties += 1
      if (properties > MAX_PROPERTIES) {
        throw refuse(`the schema has more than ${MAX_PROPERTIES} properties. Ask for fewer, or in several requests`)
      }
      if (kind === 'schema' && typeof child === 'string') checkText(name, child, refuse)
      waiting.push({ value: child, depth: depth + 1, kind: kindOf(kind, name, Array.isArray(value)) })
    }
  }
}

/** A part of a schema: one itself, the names of an object's properties, or a value that is no schema. */
interface Part {
  readonly value: unknown
  readonly depth: number
  readonly kind: 'schema' | 'names' | 'value'
}

function kindOf(above: Part['kind'], name: string, isInList: boolean): Part['kind'] {
  if (above === 'value' || (above === 'schema' && !isInList && VALUES.has(name))) return 'value'
  return above === 'schema' && !isInList && name === 'properties' ? 'names' : 'schema'
}

function checkText(name: string, text: string, refuse: (problem: string) => GatewayError): void {
  if (REFERENCES.has(name) && !text.startsWith('#')) {
    throw refuse(`"${name}" may name a part of the schema itself alone, such as "#/$defs/line"; nothing is fetched`)
  }
  if (name !== 'pattern') return
  if (text.length > MAX_PATTERN_CHARACTERS)
    throw refuse(`a "pattern" has more than ${MAX_PATTERN_CHARACTERS} characters`)
  try {
    RegExp(text, 'u')
  } catch {
    throw refuse(`the "pattern" ${JSON.stringify(text)} is no regular expression of Unicode`)
  }
}

const MAX_HOPS = 16

/**
 * Returns what a part of a schema says of a value, where that is one thing: references are followed, and of `anyOf` and
 * `oneOf` the one branch that is not null counts.
 */
export function resolveNode(schema: SchemaNode, part: unknown): SchemaNode {
  let node = isNode(part) ? part : {}
  for (let hops = 0; hops < MAX_HOPS; hops += 1) {
    const { $ref, ...rest } = node
    if (typeof $ref === 'string') {
      node = { ...partAt(schema, $ref), ...rest }
      continue
    }
    const branch = onlyBranch(node)
    if (branch === null) return node
    const { anyOf: _, oneOf: __, allOf: ___, ...own } = node
    node = { ...branch, ...own }
  }
  return {}
}

function onlyBranch({ anyOf, oneOf, allOf }: SchemaNode): SchemaNode | null {
  const [branches] = [anyOf, oneOf, allOf].filter((it) => Array.isArray(it))
  const real = branches?.filter((branch) => isNode(branch) && branch['type'] !== 'null') ?? []
  return real.length === 1 ? (real[0] as SchemaNode) : null
}

function partAt(schema: SchemaNode, reference: string): SchemaNode {
  if (reference === '#') return schema
  if (!reference.startsWith('#/')) return {}
  let found: unknown = schema
  for (const step of reference.slice(2).split('/')) {
    const name = unescaped(step).replaceAll('~1', '/').replaceAll('~0', '~')
    found =
      typeof found === 'object' && found !== null && Object.hasOwn(found, name) ? (found as SchemaNode)[name] : null
  }
  return isNode(found) ? found : {}
}

function unescaped(step: string): string {
  try {
    return decodeURIComponent(step)
  } catch {
    return step
  }
}

/** Returns the properties of an object's schema; none of anything else. */
export function propertiesOf({ properties }: SchemaNode): SchemaNode {
  return isNode(properties) ? properties : {}
}

function isNode(value: unknown): value is SchemaNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const MAX_SHAPE_CHARACTERS = 4000
const MAX_SHAPE_DEPTH = 4
/** A schema that refers to itself has no end. */
const MAX_PARTS = 2000

/** Says which names there are within those that a schema names first, for models that read sentences; empty: none. */
export function describeShape(schema: SchemaNode): string {
  const said: string[] = []
  let length = 0
  let parts = 0
  const describe = (node: SchemaNode, path: string, depth: number): void => {
    const items = resolveNode(schema, node['items'])
    const isList = Object.keys(propertiesOf(node)).length === 0
    const inner = propertiesOf(isList ? items : node)
    const names = Object.keys(inner)
    parts += 1
    if (names.length === 0 || depth > MAX_SHAPE_DEPTH || length > MAX_SHAPE_CHARACTERS || parts > MAX_PARTS) return
    const what = isList ? 'a list of objects with the keys' : 'an object with the keys'
    const sentence = `${JSON.stringify(path)} is ${what} ${JSON.stringify(names)}.`
    length += sentence.length
    said.push(sentence)
    for (const name of names) describe(resolveNode(schema, inner[name]), `${path}.${name}`, depth + 1)
  }
  for (const [name, part] of Object.entries(propertiesOf(resolveNode(schema, schema))))
    describe(resolveNode(schema, part), name, 1)
  return length > MAX_SHAPE_CHARACTERS || parts > MAX_PARTS ? '' : said.join(' ')
}
