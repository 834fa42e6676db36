/** Tells whether objects and arrays are nested in each other more than so many levels deep. Never recurses. */
export function isNestedDeeper(value: unknown, levels: number): boolean {
  let level = [value].filter(isNested)
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > levels) return true
    level = level.flatMap((parent) => Object.values(parent).filter(isNested))
  }
  return false
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
