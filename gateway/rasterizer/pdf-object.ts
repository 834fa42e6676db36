import { inflateSync } from 'node:zlib'
import { HIDDEN_LAYER, type PdfFile } from './pdf-file.ts'

// Reads from a document's bytes what PDFium's interface does not provide. What is not found, or is written in an
// unusual way, counts as unknown: no caller needs an answer for every PDF.

/** The entries of a PDF dictionary, each as its tokens: `ColorSpace` → `['[', '/ICCBased', '7', '0', 'R', ']']`. */
export type Entries = ReadonlyMap<string, readonly string[]>

/** Longer dictionaries are not read: those of images and pages are shorter. */
const MAX_DICTIONARY_BYTES = 8192

const TOKEN = /<<|>>|[[\]]|\/[^\s<>[\]()/%{}]*|\((?:\\.|[^\\()])*\)|<[0-9A-Fa-f\s]*>|[^\s<>[\]()/%{}]+/g
/** Comments and escaped names: they are legal, but rare, and not parsed. */
const UNUSUAL = /[%#{}]/

/**
 * Returns what tells the UserUnit of a page by the number of its object: points per unit of the page's boxes, which PDFium
 * ignores; 1 unless the object says otherwise. Hardly any document has one.
 */
export function userUnits(file: PdfFile): (pageObjectNumber: number) => number {
  return (pageObjectNumber) => {
    if (!file.outline().hasUnits) return 1
    const unit = /\/UserUnit\s+(\d*\.?\d+)/.exec(objectText(file, pageObjectNumber) ?? '')?.[1]
    return Number(unit ?? 1) || 1
  }
}

/** Returns the tokens of a numbered object, or null where it is compressed or absent. */
export function objectTokens(file: PdfFile, number: number): readonly string[] | null {
  const text = objectText(file, number)
  return text === null || UNUSUAL.test(text) ? null : (text.match(TOKEN) ?? [])
}

/** Objects are compressed together, some hundred of them; what is beyond is not looked into. */
const MAX_OBJECT_STREAMS = 500
const MAX_OBJECT_STREAM_BYTES = 2 ** 20
/** What does not shrink grows by less than a hundredth. */
const MAX_PACKED_BYTES = 2 * MAX_OBJECT_STREAM_BYTES

/** Whether a layer of a PDF may be switched off; false only where that is certain. */
export function mayHideLayers(file: PdfFile): boolean {
  const { mayHideLayer, hasObjectStreams } = file.outline()
  if (mayHideLayer) return true
  const streams = hasObjectStreams ? objectStreams(file) : []
  return streams === null || streams.some((content) => content === null || HIDDEN_LAYER.test(content))
}

/** Returns what compressed objects say; null for one that could not be unpacked, and for too many. */
function objectStreams(file: PdfFile): (string | null)[] | null {
  const { isEncrypted, starts, ends } = file.outline()
  if (isEncrypted) return null
  const found: (string | null)[] = []
  let next = 0
  for (const start of starts) {
    while ((ends[next] ?? Infinity) < start) next++
    const dictionary = dictionaryBefore(file, start)
    // An unusual dictionary may be that of compressed objects.
    if (dictionary !== null && dictionary.get('Type')?.[0] !== '/ObjStm') continue
    if (dictionary === null && !file.text(start - 300, start).includes('/ObjStm')) continue
    if (found.length === MAX_OBJECT_STREAMS) return null
    const end = Math.min(ends[next] ?? Infinity, start + MAX_PACKED_BYTES)
    found.push(inflated(file.slice(start, end)))
  }
  return found
}

/** Inflates as far as the stream goes; what follows it in the file is no error. */
function inflated(content: Buffer): string | null {
  try {
    return inflateSync(content, { maxOutputLength: MAX_OBJECT_STREAM_BYTES }).toString('latin1')
  } catch {
    return null
  }
}

/** Whether a PDF's catalog may say that it is a portfolio; it may be compressed, where nothing shows. */
export function mayBePortfolio(file: PdfFile): boolean {
  return file.outline().hasObjectStreams || !file.placesOf('/Collection')[Symbol.iterator]().next().done
}

/** Beyond these, none of a file's last mentions of `/Encrypt` is the one that counts. */
const MAX_MENTIONS = 50

/**
 * Returns the name of the security handler that a PDF was encrypted by; null where there is none, or it was not found.
 * Neither the dictionary nor the trailer that points to it is ever compressed or encrypted.
 */
export function securityHandler(file: PdfFile): string | null {
  const mentions: number[] = []
  for (const at of file.placesOf('/Encrypt')) {
    mentions.push(at)
    if (mentions.length > MAX_MENTIONS) mentions.shift()
  }
  for (const at of mentions.toReversed()) {
    const text = file.text(at, at + MAX_DICTIONARY_BYTES)
    const [, number, dictionary] = /^\/Encrypt\s*(?:(\d{1,9})\s+\d+\s+R|(<<.*))/s.exec(text) ?? []
    const found = number === undefined ? dictionary : objectText(file, Number(number))
    const handler = /\/Filter\s*\/([\w.+-]{1,60})/.exec(found ?? '')?.[1]
    if (handler !== undefined) return handler
  }
  return null
}

/** Finds the streams of a PDF by their encoded content. */
export interface Streams {
  /** Returns the dictionary of each stream with exactly this content; null for one that could not be read. */
  dictionariesOf(content: Uint8Array): readonly (Entries | null)[]
  /**
   * Returns a stream by its object's number. Null where there is none or more than one of that number, in a document with
   * encryption, and where any of the document's streams is written in such a way that it may have that number, too.
   */
  streamOf(number: number): Stream | null
}

/** A stream's dictionary and its encoded content. */
export interface Stream {
  readonly dictionary: Entries
  readonly content: Uint8Array<ArrayBuffer>
}

/** Finds where streams begin, the first time that it is asked. */
export function findStreams(file: PdfFile): Streams {
  let numbered: ReadonlyMap<number, readonly number[]> | null = null
  return {
    streamOf(number) {
      const { isEncrypted, starts } = file.outline()
      numbered ??= isEncrypted ? new Map() : byNumber(file, starts)
      const [start, ...others] = numbered.get(number) ?? []
      return start === undefined || others.length > 0 ? null : streamAt(file, start)
    },
    dictionariesOf: (content) =>
      asLongAs(file, content.length)
        .filter((start) => isStream(file, start, content))
        .map((start) => dictionaryBefore(file, start)),
  }
}

/** Between a stream's content and `endstream`. */
const MAX_SPACE = 7

/** Returns where those streams begin that may have such a length: the content of all would be read to be compared. */
function asLongAs(file: PdfFile, length: number): number[] {
  const { starts, ends } = file.outline()
  let next = 0
  return starts.filter((start) => {
    const end = start + length
    while ((ends[next] ?? Infinity) < end) next++
    return (ends[next] ?? Infinity) <= end + MAX_SPACE
  })
}

/** Returns where the streams of each object number begin; nothing where one of them does not say its number plainly. */
function byNumber(file: PdfFile, starts: readonly number[]): ReadonlyMap<number, readonly number[]> {
  const found = new Map<number, number[]>()
  for (const start of starts) {
    const object = objectBefore(file, start, start + OBJECT.length)
    const text = object === null ? '' : file.text(object - MAX_NUMBER, start)
    const number = /^.*?(?:^|\s)(\d+) \d+ obj\s*<<(?!.*endobj)/s.exec(text)?.[1]
    if (number === undefined) return new Map()
    const known = found.get(Number(number))
    if (known === undefined) found.set(Number(number), [start])
    else known.push(start)
  }
  return found
}

/** Digits of an object's number and its generation, with what is between. */
const MAX_NUMBER = 20

function streamAt(file: PdfFile, start: number): Stream | null {
  const dictionary = dictionaryBefore(file, start)
  const [length = '', second] = dictionary?.get('Length') ?? []
  const bytes = Number(second === undefined ? length : objectTokens(file, Number(length))?.[0])
  if (dictionary === null || !(bytes > 0 && start + bytes <= file.bytes.length)) return null
  const content = new Uint8Array(file.slice(start, start + bytes))
  return isStream(file, start, content) ? { dictionary, content } : null
}

function isStream(file: PdfFile, start: number, content: Uint8Array): boolean {
  const end = start + content.length
  const isEnd = () =>
    file
      .text(end, end + MAX_SPACE + 'endstream'.length)
      .trimStart()
      .startsWith('endstream')
  return file.isAt(start, content) && isEnd()
}

/** Returns where the last ` obj` stands that is over at `end`; null where it is far from the stream that starts there. */
function objectBefore(file: PdfFile, start: number, end: number): number | null {
  const from = Math.max(0, start - MAX_DICTIONARY_BYTES)
  const at = file.slice(from, end).lastIndexOf(OBJECT)
  return at === -1 ? null : from + at
}

const OBJECT = ' obj'

function dictionaryBefore(file: PdfFile, start: number): Entries | null {
  const object = objectBefore(file, start, start)
  if (object === null) return null
  const dictionary = /^ obj\s*(<<.*>>)\s*stream\r?\n?$/s.exec(file.text(object, start))?.[1]
  return dictionary === undefined || UNUSUAL.test(dictionary) ? null : entriesOf(dictionary.match(TOKEN) ?? [])
}

/** Returns the tokens of the dictionary or the reference that stands at a place of a file; none for anything else. */
export function valueAt(file: PdfFile, at: number): readonly string[] {
  const text = file.text(at, at + MAX_DICTIONARY_BYTES)
  const reference = /^\s*(\d+)\s+(\d+)\s+(R)\b/.exec(text)
  if (reference !== null) return reference.slice(1)
  const tokens: string[] = []
  let depth = 0
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    tokens.push(token)
    depth += token === '<<' ? 1 : token === '>>' ? -1 : 0
    if (depth <= 0) return UNUSUAL.test(text.slice(0, index)) ? [] : tokens
  }
  return []
}

/** Returns the entries of a dictionary's tokens. Null when a key comes twice or the brackets do not match. */
export function entriesOf(tokens: readonly string[]): Entries | null {
  const entries = new Map<string, string[]>()
  let value: string[] | null = null
  let depth = 0
  for (const token of tokens.slice(1, -1)) {
    const isKey = depth === 0 && token.startsWith('/') && (value === null || value.length > 0)
    if (isKey) {
      if (entries.has(token.slice(1))) return null
      entries.set(token.slice(1), (value = []))
      continue
    }
    if (value === null) return null
    value.push(token)
    if (token === '[' || token === '<<') depth++
    if (token === ']' || token === '>>') depth--
  }
  return depth === 0 ? entries : null
}

function objectText(file: PdfFile, number: number): string | null {
  const start = file.placeOfObject(number)
  if (start === null) return null
  const text = file.text(start, start + MAX_DICTIONARY_BYTES)
  return /^\d+ 0 obj\b(.*?)(?:endobj|stream|$)/s.exec(text)?.[1] ?? null
}
