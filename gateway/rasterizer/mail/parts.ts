import { decodeQuotedPrintable, readHead, type MailHead } from './head.ts'

/** A part of a mail, or the mail itself: RFC 2045. */
export interface MailPart {
  readonly head: MailHead
  /** `text/html` */
  readonly type: string
  /** As they stand, still encoded. */
  readonly body: Buffer
  /** Null for a part that has none within it. */
  readonly parts: readonly MailPart[] | null
}

/** Of one head. */
const MAX_HEAD_BYTES = 256 * 1024
/** Parts within parts: real mail has four at most. */
const MAX_DEPTH = 10
const MAX_PARTS = 1000

/** Reads a mail. Each level of it is looked through once; what is deeper, or beyond a thousand parts, is left as it is. */
export function readMail(bytes: Buffer): MailPart {
  return readPart(bytes, 'text/plain', 0, { parts: 0 })
}

function readPart(bytes: Buffer, usualType: string, depth: number, count: { parts: number }): MailPart {
  const { head, body } = splitHead(bytes)
  const { value, parameters } = head.structured('content-type')
  const type = value.includes('/') ? value : usualType
  const boundary = parameters.get('boundary') ?? ''
  const isWhole = !type.startsWith('multipart/') || boundary === '' || depth >= MAX_DEPTH
  if (isWhole) return { head, type, body, parts: null }
  const usual = type === 'multipart/digest' ? 'message/rfc822' : 'text/plain'
  const parts: MailPart[] = []
  for (const part of piecesOf(body, boundary)) {
    if ((count.parts += 1) > MAX_PARTS) break
    parts.push(readPart(part, usual, depth + 1, count))
  }
  return { head, type, body, parts }
}

/** An empty line ends the head. */
function splitHead(bytes: Buffer): { readonly head: MailHead; readonly body: Buffer } {
  const limit = Math.min(bytes.length, MAX_HEAD_BYTES)
  let line = 0
  while (line < limit) {
    const end = bytes.indexOf(0x0a, line)
    if (end === -1) break
    const isEmpty = end === line || (end === line + 1 && bytes[line] === 0x0d)
    if (isEmpty) return { head: readHead(bytes.toString('latin1', 0, line)), body: bytes.subarray(end + 1) }
    line = end + 1
  }
  return { head: readHead(bytes.toString('latin1', 0, limit)), body: bytes.subarray(limit) }
}

/** Yields what stands between the lines that begin with `--` and the boundary. */
function* piecesOf(body: Buffer, boundary: string): Generator<Buffer, void, undefined> {
  const mark = Buffer.from(`--${boundary}`, 'latin1')
  let start: number | null = null
  for (let at = body.indexOf(mark); at !== -1; at = body.indexOf(mark, at + mark.length)) {
    if (at > 0 && body[at - 1] !== 0x0a) continue
    if (start !== null) yield body.subarray(start, withoutBreak(body, start, at))
    const after = at + mark.length
    const isLast = body[after] === 0x2d && body[after + 1] === 0x2d
    const end = body.indexOf(0x0a, after)
    if (isLast || end === -1) return
    start = end + 1
  }
  // It was cut off: what has come is read.
  if (start !== null) yield body.subarray(start)
}

/** The line break in front of a boundary belongs to the boundary. */
function withoutBreak(body: Buffer, start: number, end: number): number {
  const before = body[end - 2] === 0x0d ? end - 2 : end - 1
  return Math.max(start, before)
}

/** Returns what a part holds, decoded, in memory of its own. */
export function decodeBody({ head, body }: MailPart): Buffer {
  const { value } = head.structured('content-transfer-encoding')
  if (value === 'base64') return Buffer.from(body.toString('latin1'), 'base64')
  return value === 'quoted-printable' ? decodeQuotedPrintable(body) : Buffer.from(body)
}
