import type { Reading } from './collect.ts'

type Fields = Record<string, unknown>

/**
 * Builds one JSON object out of what was extracted from each page: of each field the first value that is one, and all
 * items of lists. Null where no page had an object.
 */
export function documentAnnotation({ content, ledger }: Reading): string | null {
  const found = ledger.pages
    .filter(({ error }) => error === null)
    .map(({ start, end }) => fieldsOf(content.slice(start, end)))
    .filter((fields) => fields !== null)
  if (found.length === 0) return null
  return JSON.stringify(found.reduce(joined))
}

function fieldsOf(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null
  } catch {
    return null
  }
}

function joined(before: Fields, page: Fields): Fields {
  const entries = Object.entries(page).map(([name, value]): [string, unknown] => {
    const known = Object.hasOwn(before, name) ? before[name] : null
    if (Array.isArray(known) && Array.isArray(value)) return [name, [...(known as unknown[]), ...(value as unknown[])]]
    return [name, isEmpty(known) ? value : known]
  })
  return { ...before, ...Object.fromEntries(entries) }
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0)
}
