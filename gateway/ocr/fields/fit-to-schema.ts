import type { SchemaNode } from '../../request/fields-schema.ts'
import { isEmpty } from './find-fields.ts'
import type { SchemaProblem, SchemaThread } from './schema-thread.ts'
import { valueAt, withValueAt } from './value-at.ts'

/** An object, and where it does not fit its schema. */
export interface Fit {
  readonly object: Readonly<Record<string, unknown>>
  /** Null where that could not be found out in time. */
  readonly isValid: boolean | null
  readonly problems: readonly SchemaProblem[]
}

type Members = Fit['object']

/**
 * Holds an object against its schema. A member that says "no value" (null, an empty string) is left out where the schema
 * allows that, and not what the member says.
 */
export async function fitToSchema(
  schema: SchemaNode,
  object: Members,
  schemas: SchemaThread,
  signal: AbortSignal,
): Promise<Fit> {
  const first = await fitOf(schema, object, schemas, signal)
  const empty = first.problems.map(({ pointer }) => pointer).filter((pointer) => isLeftOut(object, pointer))
  if (empty.length === 0) return first
  const bare = await fitOf(schema, without(object, empty), schemas, signal)
  const needed = new Set(bare.problems.filter(({ keyword }) => keyword === 'required').map(({ pointer }) => pointer))
  const spare = empty.filter((pointer) => !needed.has(pointer))
  if (spare.length === empty.length) return bare
  return spare.length === 0 ? first : fitOf(schema, without(object, spare), schemas, signal)
}

/** Places in a list are not left out: the others would move. */
function isLeftOut(object: Members, pointer: string): boolean {
  const above = valueAt(object, pointer.slice(0, Math.max(0, pointer.lastIndexOf('/'))))
  const value = valueAt(object, pointer)
  return pointer !== '' && value !== undefined && isEmpty(value) && !Array.isArray(above)
}

const without = (object: Members, pointers: readonly string[]): Members =>
  pointers.reduce((rest, pointer) => withValueAt(rest, pointer, undefined) as Members, object)

async function fitOf(schema: SchemaNode, object: Members, schemas: SchemaThread, signal: AbortSignal): Promise<Fit> {
  const answer = await schemas.check(schema, object, signal)
  if (answer.kind === 'checked') return { object, isValid: answer.problems.length === 0, problems: answer.problems }
  const message = 'was not held against the schema: that took too long'
  return { object, isValid: null, problems: [{ pointer: '', keyword: '', message }] }
}
