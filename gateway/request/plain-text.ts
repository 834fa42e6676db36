import { shareLoop } from '../schedule/loop-share.ts'

/** A text, and how it was encoded. */
export interface DecodedText {
  readonly text: string
  readonly encoding: 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252'
}

/** Formats that are written in letters, and are no text that anybody reads. */
const WRITTEN_FORMATS = /^\s*(?:%PDF-|\{\\rtf|%!PS|AT&TFORM)/

/** What is called so and is text went wrong on its way: it must not pass for the document that it should be. */
const DOCUMENT_NAME = /\.(?:pdf|png|jpe?g|webp|gif|bmp|tiff?|avif|hei[cf]|jp2|docx|xlsx|pptx|od[tsp]|epub|zip)$/i

/** Binary files show what they are at their beginning. */
const HEAD_BYTES = 64 * 1024

/** Of a text in an older encoding of Western European languages; texts in others have less. */
const MIN_ASCII_SHARE = 0.75

/**
 * Decodes a file that is plain text, whatever its kind: prose, Markdown, tables, source code. Its bytes decide, and its
 * name where it is a document's. Null for everything else.
 */
export async function decodeText(bytes: Uint8Array, filename: string | null): Promise<DecodedText | null> {
  if (bytes.length === 0 || DOCUMENT_NAME.test(filename ?? '')) return null
  const wide = byteOrder(bytes)
  if (wide !== null) return decoded(bytes, wide)
  const head = bytes.subarray(0, HEAD_BYTES)
  if (bytes.includes(0) || head.some(isControl)) return null
  if (WRITTEN_FORMATS.test(Buffer.from(head.subarray(0, 64)).toString('latin1'))) return null
  const text = await decoded(bytes, 'utf-8')
  return text ?? (asciiShare(head) < MIN_ASCII_SHARE ? null : decoded(bytes, 'windows-1252'))
}

function byteOrder([first, second]: Uint8Array): 'utf-16le' | 'utf-16be' | null {
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  return first === 0xfe && second === 0xff ? 'utf-16be' : null
}

/** Takes some milliseconds. */
const STEP_BYTES = 4 * 1024 * 1024

async function decoded(bytes: Uint8Array, encoding: DecodedText['encoding']): Promise<DecodedText | null> {
  const decoder = new TextDecoder(encoding, { fatal: true })
  let text = ''
  try {
    for (let start = 0; start < bytes.length; start += STEP_BYTES) {
      text += decoder.decode(bytes.subarray(start, start + STEP_BYTES), { stream: true })
      await shareLoop()
    }
    text += decoder.decode()
    return text.includes('\0') ? null : { text, encoding }
  } catch {
    return null
  }
}

/** Line breaks, tabs, form feeds, the end mark of DOS and the colours of terminals stand in texts. */
const isControl = (byte: number): boolean =>
  byte < 0x20 && ![0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1a, 0x1b].includes(byte)

const asciiShare = (bytes: Uint8Array): number => bytes.filter((byte) => byte < 0x7f).length / bytes.length
