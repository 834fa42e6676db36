import type { FieldsWish } from '../../request/fields-schema.ts'
import { shareLoop } from '../../schedule/loop-share.ts'
import type { PageText } from '../joined-json.ts'
import { fitToSchema, type Fit } from './fit-to-schema.ts'
import { findFields, MAX_FIELDS, type FoundField, type FoundFields } from './find-fields.ts'
import { joinObjects, type JoinedObject } from './join-objects.ts'
import type { PageFacts } from './page-facts.ts'
import { readObject } from './read-object.ts'
import type { SchemaProblem, SchemaThread } from './schema-thread.ts'
import { firstName, stepsOf } from './value-at.ts'

/** A value of the document, and how far it can be relied on. */
export interface DocumentField extends Pick<FoundField, 'value' | 'normalized' | 'reason'> {
  /** `repaired`: right since the model was asked again. */
  readonly status: FoundField['status'] | 'repaired'
  /** Where it stands; null where it is missing. */
  readonly page: number | null
  /** Null where the engine did not say. */
  readonly confidence: number | null
}

/** The values of a document. */
export interface DocumentFields {
  /** By name; those within others by JSON pointer. */
  readonly fields: ReadonlyMap<string, DocumentField>
  /** Whether the object fits its schema; null where that could not be found out in time. */
  readonly isValid: boolean | null
  readonly problems: readonly Pick<SchemaProblem, 'pointer' | 'message'>[]
}

/** The values of a document, and the object that holds them. */
export interface ReadFields extends DocumentFields {
  readonly text: string
  /** The pages that it is made of. */
  readonly pages: ReadonlySet<number>
}

interface Page {
  readonly page: number
  readonly text: string
  readonly object: Readonly<Record<string, unknown>>
  /** Without those that are missing. */
  readonly found: readonly FoundField[]
  /** Names whose values are wrong, or hold one that is. */
  readonly wrong: ReadonlySet<string>
  readonly facts: PageFacts
}

/** Joins the values of a document's pages, and looks at each; null where no page's answer is an object. */
export async function readFields(
  answers: readonly PageText[],
  wish: FieldsWish,
  schemas: SchemaThread,
  signal: AbortSignal,
): Promise<ReadFields | null> {
  const pages: Page[] = []
  for (const { page, text, facts } of answers) {
    await shareLoop()
    const read = facts === undefined ? null : readObject(text)
    if (read === null || facts === undefined) continue
    await shareLoop()
    const found = findFields(wish.schema, read.object).fields.filter(({ status }) => status !== 'missing')
    const wrong = found.filter(({ status }) => status === 'invalid').map(({ pointer }) => firstName(pointer))
    pages.push({ page, text, object: read.object, found, wrong: new Set(wrong), facts })
  }
  const byNumber = new Map(pages.map((page) => [page.page, page]))
  const [only] = pages
  if (only === undefined) return null
  const joined = joinObjects(pages, (page, name) => byNumber.get(page)?.wrong.has(name) !== true)
  await shareLoop()
  const found = findFields(wish.schema, joined.object)
  const fit = await fitToSchema(wish.schema, found.object, schemas, signal)
  const isAsWritten = pages.length === 1 && JSON.stringify(fit.object) === JSON.stringify(only.object)
  return {
    fields: new Map([...judged(byNumber, joined, found, fit, wish), ...cutFields(pages)]),
    isValid: fit.isValid,
    problems: found.fields.length < MAX_FIELDS ? fit.problems : [...fit.problems, TOO_MANY],
    text: isAsWritten ? only.text : JSON.stringify(fit.object),
    pages: new Set(pages.map(({ page }) => page)),
  }
}

const TOO_MANY = { pointer: '', message: `has more than ${MAX_FIELDS} values: those that follow were not looked at` }

/** What people call a value: its name, or its JSON pointer where it stands within another. */
function nameOf(pointer: string): string {
  const [name = '', ...within] = stepsOf(pointer)
  return within.length === 0 ? name : pointer
}

function* judged(
  pages: ReadonlyMap<number, Page>,
  joined: JoinedObject,
  found: FoundFields,
  fit: Fit,
  wish: FieldsWish,
): Generator<[string, DocumentField]> {
  const problems = new Map(fit.problems.map(({ pointer, message }) => [pointer, message]))
  const others = byPointer([...pages.values()])
  for (const field of found.fields) {
    const { pointer, value, normalized } = field
    const origin = joined.originOf(pointer)
    const facts = origin === null ? null : (pages.get(origin.page)?.facts ?? null)
    const confidence = origin === null ? null : (facts?.confidences[origin.pointer] ?? null)
    const isRepaired = origin !== null && facts?.repaired.includes(origin.pointer) === true
    const verdict =
      field.status === 'missing'
        ? { status: 'missing' as const, reason: null }
        : (wrong(field, problems) ??
          unsure(field, confidence, wish.minConfidence) ??
          contradicted(field, origin?.page ?? null, others.get(pointer) ?? []) ?? {
            status: isRepaired ? ('repaired' as const) : ('ok' as const),
            reason: null,
          })
    const page = field.status === 'missing' ? null : (origin?.page ?? null)
    yield [nameOf(pointer), { ...verdict, value, normalized, page, confidence }]
  }
}

type Judgement = Pick<DocumentField, 'status' | 'reason'>

function wrong({ status, reason, pointer }: FoundField, problems: ReadonlyMap<string, string>): Judgement | null {
  if (status !== 'ok' && status !== 'missing') return { status, reason }
  const problem = problems.get(pointer)
  return problem === undefined ? null : { status: 'invalid', reason: `it ${problem}` }
}

function unsure({ minConfidence }: FoundField, confidence: number | null, wanted: number | null): Judgement | null {
  const least = minConfidence ?? wanted
  if (least === null) return null
  if (confidence === null) return { status: 'doubtful', reason: 'the engine did not say how sure the model was of it' }
  if (confidence >= least) return null
  const share = Math.floor(confidence * 1000) / 1000
  return { status: 'doubtful', reason: `the model was sure of it to ${share}, and ${least} is asked for` }
}

/** Compares a value with those of other pages under the same name. */
function contradicted(field: FoundField, page: number | null, others: readonly Elsewhere[]): Judgement | null {
  const mine = formOf(field)
  const other = others.find((it) => it.page !== page && it.form !== mine)
  if (page === null || other === undefined) return null
  return {
    status: 'doubtful',
    reason: `page ${page} has ${quoted(field.value)}, and page ${other.page} ${quoted(other.value)}`,
  }
}

interface Elsewhere {
  readonly page: number
  readonly form: string
  readonly value: FoundField['value']
}

/** Values that stand in no list, by their JSON pointers: rows of two pages are not the same rows. */
function byPointer(pages: readonly Page[]): ReadonlyMap<string, readonly Elsewhere[]> {
  const found = new Map<string, Elsewhere[]>()
  for (const { page, object, found: ofPage } of pages) {
    for (const field of ofPage) {
      if (field.status !== 'ok' || Array.isArray(object[firstName(field.pointer)])) continue
      const known = found.get(field.pointer) ?? []
      known.push({ page, form: formOf(field), value: field.value })
      found.set(field.pointer, known)
    }
  }
  return found
}

const formOf = ({ normalized, value }: FoundField): string => normalized ?? String(value).trim().replaceAll(/\s+/g, ' ')

const MAX_QUOTED = 100

function quoted(value: FoundField['value']): string {
  const text = String(value)
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text)
}

/** Lists and objects of which the end is missing are doubtful as a whole. */
function cutFields(pages: readonly Page[]): [string, DocumentField][] {
  return pages.flatMap(({ page, facts: { isCut, cutIn } }) => {
    if (!isCut || cutIn === null) return []
    const reason = 'the answer ended within it, and its end is missing'
    return [[cutIn, { status: 'doubtful', value: null, normalized: null, page, confidence: null, reason }]]
  })
}
