import type { Reading } from './collect.ts'

/** Returns the content of what was read for an annotation, where it is one JSON object; else null. */
export function documentAnnotation({ content }: Reading): string | null {
  try {
    const value: unknown = JSON.parse(content)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? JSON.stringify(value) : null
  } catch {
    return null
  }
}
