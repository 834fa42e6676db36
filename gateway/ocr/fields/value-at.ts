/** Returns the value at a JSON pointer; undefined where there is none. */
export function valueAt(root: unknown, pointer: string): unknown {
  let value = root
  for (const step of stepsOf(pointer)) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[step]
  }
  return value
}

/** Returns a copy of a value in which another stands at a pointer that has one; undefined removes it. */
export function withValueAt(root: unknown, pointer: string, value: unknown): unknown {
  const [step, ...rest] = stepsOf(pointer)
  if (step === undefined) return value
  if (typeof root !== 'object' || root === null) return root
  const below = rest.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  if (Array.isArray(root)) {
    return root.map((item: unknown, index) => (String(index) === step ? withValueAt(item, below, value) : item))
  }
  const members = new Map<string, unknown>(Object.entries(root))
  const changed = below === '' ? value : withValueAt(members.get(step), below, value)
  if (changed === undefined) members.delete(step)
  else members.set(step, changed)
  return Object.fromEntries(members)
}

/** Returns the first name of a pointer; empty for that of the whole. */
export const firstName = (pointer: string): string => stepsOf(pointer)[0] ?? ''

/** Returns the names and places of a pointer. */
export function stepsOf(pointer: string): string[] {
  if (pointer === '') return []
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}
