import { type DocumentBytes, readInto } from './document-bytes.ts'

/** Where a PDF's streams lie, and what is mentioned anywhere in it. */
export interface Outline {
  /** Where the content of each stream begins. */
  readonly starts: readonly number[]
  /** Where `endstream` stands. */
  readonly ends: readonly number[]
  /** Some bytes at every 4096th place. */
  readonly samples: Uint8Array
  readonly hasUnits: boolean
  readonly isEncrypted: boolean
  readonly hasObjectStreams: boolean
  /** Whether a layer may be switched off by what is not compressed. */
  readonly mayHideLayer: boolean
}

/** In a list of layers that are off, as a state, and in what a group of layers is shown by. */
export const HIDDEN_LAYER = /\/OFF\s*(?:\[\s*\d|\d|[/>])|\/(?:AllOff|AnyOff|VE)\b/
const HIDING = ['/OFF', '/AllOff', '/AnyOff', '/VE']

/** A PDF as it is written, in which words are searched. */
export interface PdfFile {
  readonly bytes: DocumentBytes
  /** Made when it is asked for first, and kept. */
  readonly outline: () => Outline
  /** Returns what stands between two places, as far as the file goes. It may be overwritten by the next call. */
  slice(start: number, end: number): Buffer
  /** The same as text: a character a byte. */
  text(start: number, end: number): string
  /** Whether this is what stands at a place. Of what is something else, hardly anything is read. */
  isAt(start: number, content: Uint8Array): boolean
  /** Yields where a word stands, 32 bytes long at most. */
  placesOf(word: string): Iterable<number>
  /** Hands over all bytes, part by part, and makes the outline of them: each part is overwritten by the next. */
  readThrough(receive: (content: Uint8Array) => void): void
  /** Returns where the last object of a number begins: an incremental update is appended to the file. Null where there is none. */
  placeOfObject(number: number): number | null
}

/** Opens a PDF for searching; nothing is read yet. */
export function openFile(bytes: DocumentBytes): PdfFile {
  let outline: Outline | null = null
  let objects: ReadonlyMap<number, number> | null = null
  const slice = (start: number, end: number): Buffer => sliceOf(bytes, Math.max(0, start), Math.min(end, bytes.length))
  return {
    bytes,
    outline: () => (outline ??= readOutline(bytes)),
    slice,
    text: (start, end) => slice(start, end).toString('latin1'),
    isAt: (start, content) => mayBeAt((outline ??= readOutline(bytes)), start, content) && isAt(bytes, start, content),
    *placesOf(word) {
      for (const window of windowsOf(bytes)) for (const at of found(window, word)) yield window.at + at
    },
    readThrough(receive) {
      outline = readOutline(bytes, receive)
    },
    placeOfObject: (number) => (objects ??= readObjects(bytes)).get(number) ?? null,
  }
}

/** A file is searched window by window: what begins between `from` and `to` is found in this one, and has room around it. */
interface Window {
  /** Where its content begins in the file. */
  readonly at: number
  readonly content: Buffer
  readonly from: number
  readonly to: number
}

const MENTION_BYTES = 32
/** What a window has before and behind that which is found in it. */
const BEFORE = 16
const BEHIND = 2 * MENTION_BYTES

function* windowsOf(bytes: DocumentBytes): Generator<Window> {
  for (const part of bytes.parts(BEFORE + BEHIND)) {
    const content = bufferOf(part.content)
    const isLast = part.at + content.length === bytes.length
    const from = part.at === 0 ? 0 : BEFORE
    yield { at: part.at, content, from, to: content.length - (isLast ? 0 : BEHIND) }
  }
}

/** Node finds six bytes three times as fast as it finds more of them. */
const QUICKLY_FOUND = 6

function* found({ content, from, to }: Window, word: string): Generator<number> {
  const head = word.slice(0, QUICKLY_FOUND)
  const rest = word.slice(QUICKLY_FOUND)
  for (let at = content.indexOf(head, from); at !== -1 && at < to; at = content.indexOf(head, at + head.length)) {
    const end = at + head.length
    if (rest === '' || content.toString('latin1', end, end + rest.length) === rest) yield at
  }
}

function readOutline(bytes: DocumentBytes, receive: (content: Uint8Array) => void = () => {}): Outline {
  const starts: number[] = []
  const ends: number[] = []
  const samples = new Uint8Array(Math.ceil(bytes.length / SAMPLED_BYTES) * SAMPLE_BYTES)
  let [hasUnits, isEncrypted, hasObjectStreams, mayHideLayer] = [false, false, false, false]
  for (const window of windowsOf(bytes)) {
    receive(window.content.subarray(window.at === 0 ? 0 : BEFORE + BEHIND))
    const isIn = (word: string) => !found(window, word).next().done
    hasUnits ||= isIn('/UserUnit')
    isEncrypted ||= isIn('/Encrypt')
    hasObjectStreams ||= isIn('/ObjStm')
    mayHideLayer ||= HIDING.some((word) => found(window, word).some((place) => isHiding(window, place)))
    const { at, content } = window
    takeSamples(window, samples)
    for (const word of found(window, STREAM)) {
      const isEnd = word >= 3 && content.toString('latin1', word - 3, word) === 'end'
      if (isEnd) ends.push(at + word - 3)
      else starts.push(at + afterLineEnd(content, word + STREAM.length))
    }
  }
  return { starts, ends, samples, hasUnits, isEncrypted, hasObjectStreams, mayHideLayer }
}

const isHiding = ({ content }: Window, place: number) =>
  HIDDEN_LAYER.test(content.toString('latin1', place, place + MENTION_BYTES))

const STREAM = 'stream'
const SAMPLED_BYTES = 4096
const SAMPLE_BYTES = 4

function takeSamples({ at, content, from, to }: Window, samples: Uint8Array): void {
  const first = Math.ceil((at + from) / SAMPLED_BYTES)
  for (let index = first; index * SAMPLED_BYTES < at + to; index++) {
    const place = index * SAMPLED_BYTES - at
    samples.set(content.subarray(place, place + SAMPLE_BYTES), index * SAMPLE_BYTES)
  }
}

/** Whether the samples say what this content would have there. */
function mayBeAt({ samples }: Outline, start: number, content: Uint8Array): boolean {
  for (let index = Math.ceil(start / SAMPLED_BYTES); ; index++) {
    const place = index * SAMPLED_BYTES - start
    if (place + SAMPLE_BYTES > content.length) return true
    for (let byte = 0; byte < SAMPLE_BYTES; byte++) {
      if (samples[index * SAMPLE_BYTES + byte] !== content[place + byte]) return false
    }
  }
}

function afterLineEnd(content: Buffer, at: number): number {
  const carriageReturn = content[at] === 0x0d ? 1 : 0
  return at + carriageReturn + (content[at + carriageReturn] === 0x0a ? 1 : 0)
}

/** Digits of an object's number. */
const MAX_DIGITS = 10

function readObjects(bytes: DocumentBytes): ReadonlyMap<number, number> {
  const objects = new Map<number, number>()
  for (const window of windowsOf(bytes)) {
    const { at, content } = window
    for (const end of found(window, ' 0 obj')) {
      let begin = end
      while (begin > 0 && end - begin <= MAX_DIGITS && isDigit(content[begin - 1])) begin--
      const digits = content.toString('latin1', begin, end)
      // One that is written in another way is found by no reference.
      if (digits !== '' && digits === String(Number(digits))) objects.set(Number(digits), at + begin)
    }
  }
  return objects
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

function sliceOf(bytes: DocumentBytes, start: number, end: number): Buffer {
  if (start >= end) return Buffer.alloc(0)
  const found = bytes.from(start)
  if (found.length >= end - start) return bufferOf(found.subarray(0, end - start))
  const slice = Buffer.allocUnsafe(end - start)
  readInto(bytes, start, slice)
  return slice
}

function isAt(bytes: DocumentBytes, start: number, content: Uint8Array): boolean {
  if (start + content.length > bytes.length) return false
  for (let compared = 0; compared < content.length;) {
    const found = bytes.from(start + compared)
    const size = Math.min(found.length, content.length - compared)
    if (bufferOf(found).compare(content, compared, compared + size, 0, size) !== 0) return false
    compared += size
  }
  return true
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
