import { randomBytes } from 'node:crypto'

/** A longer string is left out of an outline, in bytes, but for its beginning. */
const MAX_STRING_BYTES = 4096

/** An outline keeps at least so much of a long string. */
const HEAD_BYTES = 64

/** What a JSON text may hold, beside the bytes of its long strings. */
export interface JsonLimits {
  /** Objects and arrays in each other. */
  readonly levels: number
  /** Objects and arrays. */
  readonly containers: number
  /** Strings and names. */
  readonly strings: number
  /** Elements of arrays and members of objects. */
  readonly values: number
  /** Bytes of the outline. */
  readonly outlineBytes: number
}

/** A limit that a text is beyond. */
export type JsonLimit = keyof JsonLimits

/** A long string of a JSON text, by the places of its quotes, and the part of it that its outline leaves out. */
export interface LongString {
  readonly open: number
  readonly close: number
  readonly headEnd: number
}

/** A look at the bytes of a JSON text while they arrive. */
export interface JsonScan {
  /** Looks at the bytes up to `end` that it has not seen; returns the limit that they are beyond, if any. */
  advance(bytes: Buffer, end: number): JsonLimit | null
  /**
   * Copies the text with a mark in place of what its long strings hold beyond their beginnings. Invalid JSON stays
   * invalid, unless the fault is inside a string that is left out.
   */
  outline(bytes: Buffer): Buffer
  /** The long strings so far, in order. */
  readonly longStrings: readonly LongString[]
  /** Returns the long string that a string of the outline stands for; null: it stands for itself. */
  find(outlined: string): LongString | null
  /** Returns where a byte of the outline stands in the text. */
  placeOf(outlineByte: number): number
}

const QUOTE = '"'.charCodeAt(0)
const BACKSLASH = '\\'.charCodeAt(0)
const LETTER_U = 'u'.charCodeAt(0)

/** What a byte is outside of strings. */
const kinds = new Uint8Array(256)
const OPENS = 1
const CLOSES = 2
const SEPARATES = 3
const QUOTES = 4
for (const character of '{[') kinds[character.charCodeAt(0)] = OPENS
for (const character of '}]') kinds[character.charCodeAt(0)] = CLOSES
kinds[','.charCodeAt(0)] = SEPARATES
kinds[QUOTE] = QUOTES

// Nobody outside knows it, so no client's string looks like a mark.
const mark = `…(${randomBytes(8).toString('hex')}.`

/** How far a look has come, and what it has counted. */
interface Progress {
  at: number
  /** The quote that opened the string at `at`; -1 outside of strings. */
  open: number
  level: number
  containers: number
  strings: number
  values: number
  /** Bytes of long strings that the outline leaves out. */
  leftOut: number
}

/**
 * Creates a look at a JSON text, which finds its long strings and counts what a parser would make of the rest. Finding
 * the end of a page image's megabyte of base64 takes a hundredth of the time of parsing it, and what is beyond a limit can
 * be refused before it has arrived whole.
 */
export function createJsonScan(limits: JsonLimits): JsonScan {
  const longStrings: LongString[] = []
  const progress: Progress = { at: 0, open: -1, level: 0, containers: 0, strings: 0, values: 0, leftOut: 0 }
  return {
    longStrings,
    advance(bytes, end) {
      const arrived = bytes.subarray(0, end)
      while (progress.at < end && progress.level <= limits.levels) {
        if (progress.open < 0) countValues(progress, arrived, limits)
        else if (!endString(progress, arrived, longStrings)) break
      }
      return beyond(progress, limits)
    },
    outline: (bytes) => outlineOf(bytes, longStrings, progress.open),
    find(outlined) {
      const begin = outlined.lastIndexOf(mark)
      return begin < 0 ? null : (longStrings[Number(outlined.slice(begin + mark.length, -1))] ?? null)
    },
    placeOf(outlineByte) {
      let place = outlineByte
      for (const [index, { headEnd, close }] of longStrings.entries()) {
        if (headEnd >= place) break
        place = Math.max(headEnd, place + close - headEnd - Buffer.byteLength(markOf(index)))
      }
      return place
    },
  }
}

const markOf = (index: number): string => `${mark}${index})`

/** Goes on to the content of the next string, or to the end. */
function countValues(progress: Progress, bytes: Buffer, limits: JsonLimits): void {
  let { at, level, containers, values } = progress
  for (; at < bytes.length && level <= limits.levels; at++) {
    const kind = kinds[bytes[at] as number]
    if (kind === OPENS) {
      containers += 1
      level += 1
    } else if (kind === CLOSES) level -= 1
    else if (kind === SEPARATES) values += 1
    else if (kind === QUOTES) {
      progress.open = at++
      progress.strings += 1
      break
    }
  }
  progress.at = at
  progress.level = level
  progress.containers = containers
  progress.values = values
}

/** Goes on behind the end of the string that is open. Returns false where its end is not there yet. */
function endString(progress: Progress, bytes: Buffer, longStrings: LongString[]): boolean {
  const { at, open } = progress
  const close = closingQuote(bytes, at)
  if (close < 0) {
    // Looking goes on where no escape is cut in two, so that nothing is looked at twice.
    progress.at = isEscaped(bytes, bytes.length, at) ? bytes.length - 1 : bytes.length
    return false
  }
  if (close - open > MAX_STRING_BYTES) {
    const headEnd = endOfHead(bytes, open + 1)
    progress.leftOut += close - headEnd
    longStrings.push({ open, close, headEnd })
  }
  progress.open = -1
  progress.at = close + 1
  return true
}

function beyond(progress: Progress, limits: JsonLimits): JsonLimit | null {
  const { at, open, leftOut, level, containers, strings, values } = progress
  if (level > limits.levels) return 'levels'
  if (containers > limits.containers) return 'containers'
  if (strings > limits.strings) return 'strings'
  if (values > limits.values) return 'values'
  return (open < 0 ? at : open) - leftOut > limits.outlineBytes ? 'outlineBytes' : null
}

function outlineOf(bytes: Buffer, longStrings: readonly LongString[], open: number): Buffer {
  if (longStrings.length === 0 && open < 0) return bytes
  const pieces: Buffer[] = []
  let kept = 0
  for (const [index, { headEnd, close }] of longStrings.entries()) {
    pieces.push(bytes.subarray(kept, headEnd), Buffer.from(markOf(index)))
    kept = close
  }
  // A string that never ends is not parsed to its end.
  const end = open < 0 ? bytes.length : Math.min(bytes.length, open + 1 + HEAD_BYTES)
  return Buffer.concat([...pieces, bytes.subarray(kept, end)])
}

/** Quotes that are escaped stand close together in text that holds code: so far is looked without a search. */
const NEAR = 64

/** Returns the quote that ends the string whose content, or the rest of it, begins at `from`. -1: it is not there. */
export function closingQuote(bytes: Buffer, from: number): number {
  let quote = bytes.indexOf(QUOTE, from)
  while (quote >= 0 && isEscaped(bytes, quote, from)) {
    let next = quote + 1
    const near = Math.min(bytes.length, next + NEAR)
    while (next < near && bytes[next] !== QUOTE) next++
    quote = next < near ? next : bytes.indexOf(QUOTE, next)
  }
  return quote
}

function isEscaped(bytes: Buffer, at: number, from: number): boolean {
  let first = at
  while (first > from && bytes[first - 1] === BACKSLASH) first--
  return (at - first) % 2 === 1
}

/** What may stand before the colon of an address: blanks, and the letters of its scheme. */
const mayLead = new Uint8Array(256).fill(1, 0x80)
for (const character of ' +-._0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz') {
  mayLead[character.charCodeAt(0)] = 1
}

/**
 * Returns where the beginning of a long string ends: behind what tells whether it is an address, and behind its first 64 bytes.
 * Cuts neither an escape nor a character of several bytes in two.
 */
function endOfHead(bytes: Buffer, from: number): number {
  let end = from
  // Behind the colon of an address, two slashes may follow.
  let untold = Infinity
  while (end < from + HEAD_BYTES || (untold > 0 && end < from + MAX_STRING_BYTES - HEAD_BYTES)) {
    const byte = bytes[end] as number
    if (byte === BACKSLASH) end += bytes[end + 1] === LETTER_U ? 6 : 2
    else end += 1
    while (isContinuation(bytes[end])) end += 1
    if (untold < Infinity) untold -= 1
    else if (byte !== BACKSLASH && mayLead[byte] !== 1) untold = 2
  }
  return end
}

/** Tells whether a byte goes on with a character of several, in UTF-8. */
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80
}
