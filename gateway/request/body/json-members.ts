import { shareLoop } from '../../schedule/loop-share.ts'
import { closingQuote, type LongString } from './json-scan.ts'

/** An object as a JSON text: valid, and without a name that stands twice in it. */
interface JsonObject {
  readonly bytes: Buffer
  readonly longStrings: readonly LongString[]
}

/** A stretch of a text. */
interface Stretch {
  readonly from: number
  readonly to: number
}

/** So many bytes are copied at a time. */
const STEP = 16 * 1024 * 1024

/**
 * Returns an object with other values of some members, or with more members. All other bytes stay as they came: parsing
 * them and writing them again would take long, and round large numbers.
 */
export async function withMembers(object: JsonObject, members: Readonly<Record<string, unknown>>): Promise<Buffer> {
  const { bytes } = object
  const values = valuesOf(object, new Set(Object.keys(members)))
  const changes = Object.entries(members).flatMap(([name, value]) => {
    const at = values.get(name)
    return at === undefined ? [] : [{ ...at, text: JSON.stringify(value) }]
  })
  const begin = bytes.indexOf('{') + 1
  // No object is empty that names its model.
  const added = Object.entries(members).filter(([name]) => !values.has(name))
  const pieces: Buffer[] = [bytes.subarray(0, begin)]
  for (const member of added) pieces.push(Buffer.from(`${JSON.stringify(Object.fromEntries([member])).slice(1, -1)},`))
  let kept = begin
  for (const { from, to, text } of changes.toSorted((one, other) => one.from - other.from)) {
    pieces.push(bytes.subarray(kept, from), Buffer.from(text))
    kept = to
  }
  return joined([...pieces, bytes.subarray(kept)])
}

async function joined(pieces: readonly Buffer[]): Promise<Buffer> {
  const whole = Buffer.allocUnsafeSlow(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    for (let from = 0; from < piece.length; from += STEP) {
      at += piece.copy(whole, at, from, from + STEP)
      if (piece.length > STEP) await shareLoop()
    }
  }
  return whole
}

/** Returns the value of an object's own member, as it stands in the text; null: it has none of that name. */
export function memberIn(object: Buffer, name: string): Buffer | null {
  const found = valuesOf({ bytes: object, longStrings: [] }, new Set([name])).get(name)
  return found === undefined ? null : object.subarray(found.from, found.to)
}

/** Finds where the values of an object's own members stand, of those that are asked for. */
function valuesOf({ bytes, longStrings }: JsonObject, names: ReadonlySet<string>): ReadonlyMap<string, Stretch> {
  const ends = new Map(longStrings.map(({ open, close }) => [open, close]))
  const found = new Map<string, Stretch>()
  let level = 0
  let name: string | null = null
  let from = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      const close = ends.get(at) ?? closingQuote(bytes, at + 1)
      if (level === 1 && name === null) name = nameAt(bytes, at, close)
      at = close
    } else if (byte === COLON && level === 1) from = at + 1
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) level += 1
    else if (level === 1 && (byte === COMMA || byte === CLOSE_BRACE)) {
      if (name !== null && names.has(name)) found.set(name, { from, to: at })
      if (byte === CLOSE_BRACE) break
      name = null
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) level -= 1
  }
  return found
}

/** Longer names are none that anybody asks for. */
const MAX_NAME_BYTES = 200

function nameAt(bytes: Buffer, open: number, close: number): string {
  return close - open > MAX_NAME_BYTES ? '' : (JSON.parse(bytes.toString('utf8', open, close + 1)) as string)
}

const QUOTE = '"'.charCodeAt(0)
const COLON = ':'.charCodeAt(0)
const COMMA = ','.charCodeAt(0)
const OPEN_BRACE = '{'.charCodeAt(0)
const CLOSE_BRACE = '}'.charCodeAt(0)
const OPEN_BRACKET = '['.charCodeAt(0)
const CLOSE_BRACKET = ']'.charCodeAt(0)
