/** Writing so many characters as JSON takes some milliseconds. */
const STEP_CHARACTERS = 1024 * 1024

/** Down to the pages of an answer, and to what they list. */
const LEVELS = 5

/**
 * Writes an answer as JSON, in pieces, each of which takes some milliseconds: a text may have a hundred million characters,
 * and the pictures of an answer as many. What is undefined is left out. What is short is written at once, as V8 does it
 * many times faster. `step`: the characters of a piece, and of what is short.
 */
export function* jsonPieces(value: object, step = STEP_CHARACTERS): Generator<string, void, undefined> {
  let piece = ''
  for (const part of parts(value, LEVELS, step)) {
    piece += part
    if (piece.length < step) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}

function* parts(value: unknown, levels: number, step: number): Generator<string, void, undefined> {
  if (typeof value === 'string' && value.length > step) yield* textParts(value, step)
  else if (charactersOf(value, levels, step) <= step) yield JSON.stringify(value)
  else if (Array.isArray(value)) yield* listParts(value, levels - 1, step)
  else yield* objectParts(value as object, levels - 1, step)
}

/** Counts the characters of texts and the values of all that a value holds, down to so many levels, until there are too many. */
function charactersOf(value: unknown, levels: number, most: number): number {
  if (typeof value === 'string') return value.length + 1
  if (typeof value !== 'object' || value === null || levels === 0) return 1
  let count = 1
  if (Array.isArray(value)) {
    for (const item of value) {
      count += charactersOf(item, levels - 1, most - count)
      if (count > most) break
    }
    return count
  }
  const members = value as Readonly<Record<string, unknown>>
  // No list of all values is made for it.
  for (const name in members) {
    count += charactersOf(members[name], levels - 1, most - count)
    if (count > most) break
  }
  return count
}

function* listParts(items: readonly unknown[], levels: number, step: number): Generator<string, void, undefined> {
  yield '['
  for (const [index, item] of items.entries()) {
    if (index > 0) yield ','
    yield* parts(item, levels, step)
  }
  yield ']'
}

function* objectParts(value: object, levels: number, step: number): Generator<string, void, undefined> {
  let before = '{'
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue
    yield `${before}${JSON.stringify(name)}:`
    yield* parts(member, levels, step)
    before = ','
  }
  yield before === '{' ? '{}' : '}'
}

function* textParts(text: string, step: number): Generator<string, void, undefined> {
  yield '"'
  // A pair that is cut in two is written as two escapes, which are read as the pair.
  for (let start = 0; start < text.length; start += step) {
    yield JSON.stringify(text.slice(start, start + step)).slice(1, -1)
  }
  yield '"'
}
