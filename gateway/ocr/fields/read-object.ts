/** From the first character to behind the last one. */
export type Span = readonly [start: number, end: number]

/** An object that was found in a model's answer. */
export interface FoundObject {
  readonly object: Readonly<Record<string, unknown>>
  /** Where strings, numbers and the like stand in the answer, by their JSON pointers; of an object of several none is known. */
  readonly spans: ReadonlyMap<string, Span>
  /** The answer ended, or went on with something else, before the object did: what was not whole is left out. */
  readonly isCut: boolean
  /** The name in the object whose value was cut, where a part of that is left. */
  readonly cutIn: string | null
  /** The answer is not this object's JSON: text stands around it, or its spelling is not that of JSON. */
  readonly isRepaired: boolean
}

/** Deeper values are left out. */
const MAX_DEPTH = 64
/** Braces of other text in front of an object. */
const MAX_STARTS = 16
const MAX_OBJECTS = 64
/** Longer than the longest answer of a model: what is longer is not looked at. */
const MAX_CHARACTERS = 500_000

/**
 * Finds the JSON object in a model's answer; null where there is none. Nothing is guessed: of an object that is cut, all
 * members count that were whole. Where several objects follow one another, all their members are one object's, the first of a
 * name counts.
 */
export function readObject(text: string): FoundObject | null {
  if (text.length > MAX_CHARACTERS) return null
  const found: Read[] = []
  let end = 0
  let from = text.indexOf('{')
  for (let tries = 0; from >= 0 && found.length < MAX_OBJECTS && tries < MAX_STARTS + found.length; tries += 1) {
    const read = readAt(text, from)
    const isObject = read !== null
    if (isObject) found.push(read)
    end = isObject ? read.end : from + 1
    from = text.indexOf('{', end)
  }
  const [first, ...others] = found
  if (first === undefined) return null
  const last = found.at(-1) ?? first
  const isAround = text.slice(0, first.start).trim() !== '' || text.slice(last.end).trim() !== ''
  if (others.length === 0) return { ...first, isRepaired: first.isRepaired || first.isCut || isAround }
  const object = Object.fromEntries(found.toReversed().flatMap(({ object }) => Object.entries(object)))
  const isCut = found.some((one) => one.isCut)
  return {
    object,
    spans: new Map(),
    isCut,
    cutIn: found.find(({ cutIn }) => cutIn !== null)?.cutIn ?? null,
    isRepaired: true,
  }
}

/** Writes a step of a JSON pointer (RFC 6901). */
export function pointerStep(name: string | number): string {
  const step = String(name)
  // Nearly no name has either; an answer has thousands.
  if (!step.includes('~') && !step.includes('/')) return `/${step}`
  return `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

interface Read extends FoundObject {
  readonly start: number
  readonly end: number
}

/** Reads the object that begins at a brace; null where none does. */
function readAt(text: string, start: number): Read | null {
  const reader: Reader = { text, at: start, isCut: false, cutIn: null, isRepaired: false, spans: new Map() }
  const object = readMembers(reader, '', 1)
  if (object === null) return null
  const { isCut, cutIn, isRepaired, spans, at } = reader
  return { object, spans, isCut, cutIn, isRepaired, start, end: at }
}

interface Reader {
  readonly text: string
  at: number
  /** Nothing more is read. */
  isCut: boolean
  cutIn: string | null
  isRepaired: boolean
  readonly spans: Map<string, Span>
}

/** Stands for a value that is not whole. */
const CUT = Symbol('cut')

const STRING_END = /(?:[^"\\]|\\[^])*"/y
const WHITE = /[\s\uFEFF]*/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?=[\s,\]}])/y
const WORD = /(?:true|false|null|True|False|None)(?![\p{L}\d_])/uy
const WORDS: Readonly<Record<string, boolean | null>> = {
  true: true,
  false: false,
  null: null,
  // Python's, which models write.
  True: true,
  False: false,
  None: null,
}

function match(reader: Reader, pattern: RegExp): string | null {
  pattern.lastIndex = reader.at
  const found = pattern.exec(reader.text)?.[0] ?? null
  if (found !== null) reader.at = pattern.lastIndex
  return found
}

function next(reader: Reader): string {
  const code = reader.text.charCodeAt(reader.at)
  // Letters and signs of ASCII, behind the space.
  if (!(code > 32 && code < 127)) match(reader, WHITE)
  return reader.text.charAt(reader.at)
}

function cut(reader: Reader): typeof CUT {
  reader.isCut = true
  return CUT
}

function readValue(reader: Reader, pointer: string, depth: number): unknown {
  const first = next(reader)
  if (first === '{' || first === '[') {
    if (depth > MAX_DEPTH) return cut(reader)
    const value = first === '{' ? readMembers(reader, pointer, depth) : readItems(reader, pointer, depth)
    return value ?? cut(reader)
  }
  const start = reader.at
  const value = first === '"' ? readString(reader) : readPlain(reader)
  if (value !== CUT) reader.spans.set(pointer, [start, reader.at])
  return value
}

function readPlain(reader: Reader): unknown {
  const number = match(reader, NUMBER)
  if (number !== null) return Number(number)
  const word = match(reader, WORD)
  if (word === null) return cut(reader)
  reader.isRepaired ||= /^[TFN]/.test(word)
  return WORDS[word] ?? null
}

function readString(reader: Reader): string | typeof CUT {
  const { text, at } = reader
  STRING_END.lastIndex = at + 1
  if (!STRING_END.test(text)) return cut(reader)
  const end = STRING_END.lastIndex - 1
  reader.at = end + 1
  const written = text.slice(at, end + 1)
  try {
    return JSON.parse(written) as string
  } catch {
    reader.isRepaired = true
    return readLoosely(written) ?? cut(reader)
  }
}

/** Reads a string with line breaks in it, or with backslashes that stand for themselves. */
function readLoosely(written: string): string | null {
  const strict = written
    .replaceAll(/\\(?:["\\/bfnrt]|u[\da-fA-F]{4})|\\/g, (found) => (found === '\\' ? '\\\\' : found))
    // oxlint-disable-next-line no-control-regex -- these are what JSON does not allow
    .replaceAll(/[\u0000-\u001F]/g, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`)
  try {
    return JSON.parse(strict) as string
  } catch {
    return null
  }
}

/** Reads an object; null where nothing of it is whole. */
function readMembers(reader: Reader, pointer: string, depth: number): Record<string, unknown> | null {
  reader.at += 1
  const members = new Map<string, unknown>()
  let isFirst = true
  while (!reader.isCut) {
    const sign = next(reader)
    if (sign === '}') {
      reader.at += 1
      return Object.fromEntries(members)
    }
    if (!isFirst && !readComma(reader)) break
    // A comma behind the last member.
    if (!isFirst && reader.text.charAt(reader.at) === '}') continue
    isFirst = false
    if (next(reader) !== '"') break
    const name = readString(reader)
    if (name === CUT || next(reader) !== ':') break
    reader.at += 1
    const value = readValue(reader, pointer + pointerStep(name), depth + 1)
    if (value === CUT) break
    members.set(name, value)
    if (reader.isCut && depth === 1) reader.cutIn = name
  }
  cut(reader)
  return members.size === 0 ? null : Object.fromEntries(members)
}

/** Reads a list; null where nothing of it is whole. */
function readItems(reader: Reader, pointer: string, depth: number): unknown[] | null {
  reader.at += 1
  const items: unknown[] = []
  let isFirst = true
  while (!reader.isCut) {
    const sign = next(reader)
    if (sign === ']') {
      reader.at += 1
      return items
    }
    if (!isFirst && !readComma(reader)) break
    if (!isFirst && reader.text.charAt(reader.at) === ']') continue
    isFirst = false
    const value = readValue(reader, pointer + pointerStep(items.length), depth + 1)
    if (value !== CUT) items.push(value)
  }
  cut(reader)
  return items.length === 0 ? null : items
}

/** Takes the comma between two values; false where there is none. */
function readComma(reader: Reader): boolean {
  if (reader.text.charAt(reader.at) !== ',') return false
  reader.at += 1
  const sign = next(reader)
  if (sign === '}' || sign === ']') reader.isRepaired = true
  return true
}
