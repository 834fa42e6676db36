import { isEmpty } from './find-fields.ts'
import { pointerStep } from './read-object.ts'
import { stepsOf } from './value-at.ts'

/** The object that was read from a page. */
export interface PageObject {
  readonly page: number
  readonly object: Readonly<Record<string, unknown>>
}

/** Where a value comes from. */
export interface Origin {
  readonly page: number
  /** Its JSON pointer in the page's own object. */
  readonly pointer: string
}

/** One object of several. */
export interface JoinedObject {
  readonly object: Readonly<Record<string, unknown>>
  /** Tells where a value comes from, by its JSON pointer; null: from nowhere. */
  readonly originOf: (pointer: string) => Origin | null
}

interface Part {
  readonly page: number
  readonly items: readonly unknown[]
}

/**
 * Joins what was extracted from each page into one object: of each field the first value that is one, and the items of all
 * lists. Where `isRight` says that a value is wrong, one of a later page that is right comes before it.
 */
export function joinObjects(
  pages: readonly PageObject[],
  isRight: (page: number, name: string) => boolean = () => true,
): JoinedObject {
  const members = new Map<string, unknown>()
  const chosen = new Map<string, number>()
  const lists = new Map<string, readonly Part[]>()
  for (const [name, held] of byName(pages)) {
    const [first = held[0]] = held.filter(({ value }) => !isNothing(value))
    if (first === undefined) continue
    if (Array.isArray(first.value)) {
      const parts = held.flatMap(({ page, value }) =>
        Array.isArray(value) ? [{ page, items: value as unknown[] }] : [],
      )
      lists.set(name, parts)
      members.set(
        name,
        parts.flatMap(({ items }) => items),
      )
      continue
    }
    const right = held.find(({ page, value }) => !isNothing(value) && !Array.isArray(value) && isRight(page, name))
    const { page, value } = right ?? first
    members.set(name, value)
    chosen.set(name, page)
  }
  const originOf = (pointer: string): Origin | null => {
    const [name = '', index, ...rest] = stepsOf(pointer)
    const parts = lists.get(name)
    if (parts !== undefined) return originInList(parts, name, index, rest)
    const page = chosen.get(name)
    return page === undefined ? null : { page, pointer }
  }
  return { object: Object.fromEntries(members), originOf }
}

type Held = { readonly page: number; readonly value: unknown }[]

function byName(pages: readonly PageObject[]): ReadonlyMap<string, Held> {
  const held = new Map<string, Held>()
  for (const { page, object } of pages) {
    for (const [name, value] of Object.entries(object)) {
      const known = held.get(name)
      if (known === undefined) held.set(name, [{ page, value }])
      else known.push({ page, value })
    }
  }
  return held
}

const isNothing = (value: unknown): boolean => isEmpty(value) || (Array.isArray(value) && value.length === 0)

function originInList(
  parts: readonly Part[],
  name: string,
  index: string | undefined,
  rest: readonly string[],
): Origin | null {
  let left = Number(index ?? 0)
  for (const { page, items } of parts) {
    if (left < items.length) {
      const place = index === undefined ? [] : [String(left)]
      return { page, pointer: [name, ...place, ...rest].map(pointerStep).join('') }
    }
    left -= items.length
  }
  return null
}
