const QUOTE = '"'
const BACKSLASH = '\\'

/**
 * Returns a name that stands twice in one object of a JSON text; null where there is none. `value` is what the text says,
 * as JSON.parse reads it: of names that are repeated, it holds the last alone. Other parsers take the first.
 */
export function repeatedName(json: string, value: unknown): string | null {
  const counts = new Map<string, number>()
  const count = (name: string, by: number) => counts.set(name, (counts.get(name) ?? 0) + by)
  for (const name of namesIn(json)) count(name, 1)
  // Not by recursion: a body may be as deep as it likes.
  const left: unknown[] = [value]
  while (left.length > 0) {
    const next = left.pop()
    if (typeof next !== 'object' || next === null) continue
    if (!Array.isArray(next)) for (const name of Object.keys(next)) count(name, -1)
    for (const inner of Object.values(next)) if (typeof inner === 'object') left.push(inner)
  }
  for (const [name, surplus] of counts) if (surplus > 0) return name
  return null
}

/** Yields each string that stands before a colon. */
function* namesIn(json: string): Generator<string, void, undefined> {
  for (let open = json.indexOf(QUOTE); open >= 0;) {
    let close = json.indexOf(QUOTE, open + 1)
    while (isEscaped(json, close, open)) close = json.indexOf(QUOTE, close + 1)
    let next = close + 1
    while (isSpace(json[next])) next++
    if (json[next] === ':') {
      const name = json.slice(open + 1, close)
      yield name.includes(BACKSLASH) ? String(JSON.parse(json.slice(open, close + 1))) : name
    }
    open = json.indexOf(QUOTE, close + 1)
  }
}

function isEscaped(json: string, at: number, from: number): boolean {
  let first = at
  while (first > from && json[first - 1] === BACKSLASH) first--
  return (at - first) % 2 === 1
}

function isSpace(character: string | undefined): boolean {
  return character === ' ' || character === '\n' || character === '\t' || character === '\r'
}
