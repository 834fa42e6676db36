import { inflateSync } from 'node:zlib'

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
 * ignores; 1 unless the object says otherwise. Hardly any document has one, and it is searched once.
 */
export function userUnits(bytes: Uint8Array): (pageObjectNumber: number) => number {
  const file = bufferOf(bytes)
  let hasUnits: boolean | null = null
  return (pageObjectNumber) => {
    if (!(hasUnits ??= file.includes('/UserUnit'))) return 1
    const unit = /\/UserUnit\s+(\d*\.?\d+)/.exec(objectText(file, pageObjectNumber) ?? '')?.[1]
    return Number(unit ?? 1) || 1
  }
}

/** Returns the tokens of a numbered object, or null where it is compressed or absent. */
export function objectTokens(bytes: Uint8Array, number: number): readonly string[] | null {
  const text = objectText(bufferOf(bytes), number)
  return text === null || UNUSUAL.test(text) ? null : (text.match(TOKEN) ?? [])
}

/** In a list of layers that are off, as a state, and in what a group of layers is shown by. */
const HIDDEN_LAYER = /\/OFF\s*(?:\[\s*\d|\d|[/>])|\/(?:AllOff|AnyOff|VE)\b/
/** Objects are compressed together, some hundred of them; what is beyond is not looked into. */
const MAX_OBJECT_STREAMS = 500
const MAX_OBJECT_STREAM_BYTES = 2 ** 20

/** Whether a layer of a PDF may be switched off; false only where that is certain. */
export function mayHideLayers(bytes: Uint8Array): boolean {
  const file = bufferOf(bytes)
  const mention = ['/OFF', '/AllOff', '/AnyOff', '/VE'].some((name) => isIn(file, name))
  if (mention) return true
  const streams = file.includes('/ObjStm') ? objectStreams(file) : []
  return streams === null || streams.some((content) => content === null || HIDDEN_LAYER.test(content))
}

function isIn(file: Buffer, name: string): boolean {
  for (let at = file.indexOf(name); at !== -1; at = file.indexOf(name, at + 1))
    if (HIDDEN_LAYER.test(file.toString('latin1', at, at + 32))) return true
  return false
}

/** Returns what compressed objects say; null for one that could not be unpacked, and for too many. */
function objectStreams(file: Buffer): (string | null)[] | null {
  if (file.includes('/Encrypt')) return null
  const found: (string | null)[] = []
  for (const start of streamStarts(file)) {
    const dictionary = dictionaryBefore(file, start)
    // An unusual dictionary may be that of compressed objects.
    if (dictionary !== null && dictionary.get('Type')?.[0] !== '/ObjStm') continue
    if (dictionary === null && !file.toString('latin1', Math.max(0, start - 300), start).includes('/ObjStm')) continue
    if (found.length === MAX_OBJECT_STREAMS) return null
    found.push(inflated(file.subarray(start)))
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
export function mayBePortfolio(bytes: Uint8Array): boolean {
  const file = bufferOf(bytes)
  return file.includes('/Collection') || file.includes('/ObjStm')
}

/** Beyond these, none of a file's last mentions of `/Encrypt` is the one that counts. */
const MAX_MENTIONS = 50

/**
 * Returns the name of the security handler that a PDF was encrypted by; null where there is none, or it was not found.
 * Neither the dictionary nor the trailer that points to it is ever compressed or encrypted.
 */
export function securityHandler(bytes: Uint8Array): string | null {
  const file = bufferOf(bytes)
  let at = file.lastIndexOf('/Encrypt')
  for (let left = MAX_MENTIONS; at !== -1 && left > 0; left--) {
    const text = file.toString('latin1', at, at + MAX_DICTIONARY_BYTES)
    const [, number, dictionary] = /^\/Encrypt\s*(?:(\d{1,9})\s+\d+\s+R|(<<.*))/s.exec(text) ?? []
    const found = number === undefined ? dictionary : objectText(file, Number(number))
    const handler = /\/Filter\s*\/([\w.+-]{1,60})/.exec(found ?? '')?.[1]
    if (handler !== undefined) return handler
    at = at === 0 ? -1 : file.lastIndexOf('/Encrypt', at - 1)
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
export function findStreams(bytes: Uint8Array): Streams {
  const file = bufferOf(bytes)
  let starts: readonly number[] | null = null
  let numbered: ReadonlyMap<number, readonly number[]> | null = null
  return {
    streamOf(number) {
      numbered ??= file.includes('/Encrypt') ? new Map() : byNumber(file, (starts ??= streamStarts(file)))
      const [start, ...others] = numbered.get(number) ?? []
      return start === undefined || others.length > 0 ? null : streamAt(file, start)
    },
    dictionariesOf(content) {
      starts ??= streamStarts(file)
      return starts.filter((start) => isStream(file, start, content)).map((start) => dictionaryBefore(file, start))
    },
  }
}

function streamStarts(file: Buffer): number[] {
  const starts: number[] = []
  const keyword = 'stream'
  for (let at = file.indexOf(keyword); at !== -1; at = file.indexOf(keyword, at + keyword.length)) {
    const isEnd = at >= 3 && file.toString('latin1', at - 3, at) === 'end'
    if (!isEnd) starts.push(afterLineEnd(file, at + keyword.length))
  }
  return starts
}

/** Returns where the streams of each object number begin; nothing where one of them does not say its number plainly. */
function byNumber(file: Buffer, starts: readonly number[]): ReadonlyMap<number, readonly number[]> {
  const found = new Map<number, number[]>()
  for (const start of starts) {
    const object = file.lastIndexOf(' obj', start)
    const text = file.toString('latin1', Math.max(0, object - MAX_NUMBER), start)
    const number =
      start - object > MAX_DICTIONARY_BYTES ? undefined : /^.*?(?:^|\s)(\d+) \d+ obj\s*<<(?!.*endobj)/s.exec(text)?.[1]
    if (number === undefined) return new Map()
    const known = found.get(Number(number))
    if (known === undefined) found.set(Number(number), [start])
    else known.push(start)
  }
  return found
}

/** Digits of an object's number and its generation, with what is between. */
const MAX_NUMBER = 20

function streamAt(file: Buffer, start: number): Stream | null {
  const dictionary = dictionaryBefore(file, start)
  const [length = '', second] = dictionary?.get('Length') ?? []
  const bytes = Number(second === undefined ? length : objectTokens(file, Number(length))?.[0])
  if (dictionary === null || !(bytes > 0 && start + bytes <= file.length)) return null
  const content = new Uint8Array(file.subarray(start, start + bytes))
  return isStream(file, start, content) ? { dictionary, content } : null
}

function afterLineEnd(file: Buffer, at: number): number {
  const carriageReturn = file[at] === 0x0d ? 1 : 0
  return at + carriageReturn + (file[at + carriageReturn] === 0x0a ? 1 : 0)
}

function isStream(file: Buffer, start: number, content: Uint8Array): boolean {
  const end = start + content.length
  const middle = content.length >> 1
  // The byte in the middle tells most streams apart at once.
  if (file[start + middle] !== content[middle] || end > file.length) return false
  if (file.compare(content, 0, content.length, start, end) !== 0) return false
  return file
    .toString('latin1', end, end + 16)
    .trimStart()
    .startsWith('endstream')
}

function dictionaryBefore(file: Buffer, start: number): Entries | null {
  const text = file.toString('latin1', Math.max(0, start - MAX_DICTIONARY_BYTES), start)
  const object = text.lastIndexOf(' obj')
  if (object === -1) return null
  const dictionary = /^ obj\s*(<<.*>>)\s*stream\r?\n?$/s.exec(text.slice(object))?.[1]
  return dictionary === undefined || UNUSUAL.test(dictionary) ? null : entriesOf(dictionary.match(TOKEN) ?? [])
}

/** Returns the tokens of the dictionary or the reference that stands at a place of a file; none for anything else. */
export function valueAt(file: Buffer, at: number): readonly string[] {
  const text = file.toString('latin1', at, at + MAX_DICTIONARY_BYTES)
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

function objectText(file: Buffer, number: number): string | null {
  const start = lastObject(file, number)
  if (start === -1) return null
  const text = file.toString('latin1', start, start + MAX_DICTIONARY_BYTES)
  return /^\d+ 0 obj\b(.*?)(?:endobj|stream|$)/s.exec(text)?.[1] ?? null
}

/** Returns the last match: an incremental update is appended to the file. */
function lastObject(file: Buffer, number: number): number {
  const header = `${number} 0 obj`
  for (let at = file.lastIndexOf(header); at !== -1; at = at === 0 ? -1 : file.lastIndexOf(header, at - 1)) {
    if (at === 0 || !isDigit(file[at - 1])) return at
  }
  return -1
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
