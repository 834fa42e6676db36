/** The head of a mail, or of a part of one: RFC 5322, 2.2. */
export interface MailHead {
  /** Returns a field as it is read, its encoded words decoded; null where there is none. The first of several counts. */
  text(name: string): string | null
  /** Returns a field that has parameters, such as Content-Type: RFC 2045, 5.1. */
  structured(name: string): StructuredField
}

/** `text/html; charset=utf-8` */
export interface StructuredField {
  /** In lower case; empty where there is no such field. */
  readonly value: string
  /** By name, in lower case. */
  readonly parameters: ReadonlyMap<string, string>
}

/** Reads a head from its lines, one character for each byte. */
export function readHead(text: string): MailHead {
  const fields = new Map<string, string>()
  for (const line of unfolded(text)) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).trim().toLowerCase()
    if (colon > 0 && !fields.has(name)) fields.set(name, line.slice(colon + 1).trim())
  }
  return {
    text: (name) => (fields.has(name) ? decodedWords(asUtf8(fields.get(name)!)) : null),
    structured: (name) => readStructured(asUtf8(fields.get(name) ?? '')),
  }
}

/** A line that begins with a blank goes on with the one before it. */
function unfolded(text: string): string[] {
  const lines: string[] = []
  for (const line of text.split(/\r?\n/)) {
    if (/^[ \t]/.test(line) && lines.length > 0) lines.push(`${lines.pop()} ${line.trim()}`)
    else lines.push(line)
  }
  return lines
}

/** Fields may be in UTF-8 (RFC 6532); older programs write what they like. */
function asUtf8(latin1: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(latin1, 'latin1'))
  } catch {
    return latin1
  }
}

/** Decodes bytes in a charset that a mail names; one that nobody knows is taken for windows-1252. */
export function decodeCharset(bytes: Uint8Array, charset: string): string {
  try {
    return new TextDecoder(charset || 'utf-8').decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

const ENCODED_WORD = /=\?([^?\s]{1,60})\?([bq])\?([^?]*)\?=/gi
/** Blanks between two encoded words are no part of the text. */
const BETWEEN_WORDS = /\?=[ \t]+(?==\?[^?\s]{1,60}\?[bq]\?)/gi

/** RFC 2047: `=?utf-8?q?M=C3=BCller?=`. */
function decodedWords(text: string): string {
  return text
    .replaceAll(BETWEEN_WORDS, '?=')
    .replaceAll(ENCODED_WORD, (_, charset: string, how: string, word: string) => {
      const isBase64 = how.toLowerCase() === 'b'
      const bytes = isBase64
        ? Buffer.from(word, 'base64')
        : decodeQuotedPrintable(Buffer.from(word.replaceAll('_', ' '), 'latin1'))
      // RFC 2231, 5: a language may follow.
      return decodeCharset(bytes, charset.replace(/\*.*$/, ''))
    })
}

/** RFC 2045, 6.7. What is encoded wrongly stays as it is. */
export function decodeQuotedPrintable(bytes: Buffer): Buffer {
  const decoded = Buffer.alloc(bytes.length)
  let end = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (byte !== 0x3d) {
      decoded[end++] = byte
      continue
    }
    const lineBreak = bytes[at + 1] === 0x0a ? 1 : bytes[at + 1] === 0x0d && bytes[at + 2] === 0x0a ? 2 : 0
    const hex = bytes.toString('latin1', at + 1, at + 3)
    if (lineBreak === 0 && /^[0-9a-f]{2}$/i.test(hex)) decoded[end++] = Number.parseInt(hex, 16)
    else if (lineBreak === 0) decoded[end++] = byte
    at += lineBreak > 0 ? lineBreak : /^[0-9a-f]{2}$/i.test(hex) ? 2 : 0
  }
  return decoded.subarray(0, end)
}

function readStructured(text: string): StructuredField {
  const [value = '', ...rest] = splitParameters(text)
  const given = new Map<string, string>()
  for (const parameter of rest) {
    const equals = parameter.indexOf('=')
    const name = parameter.slice(0, equals).trim().toLowerCase()
    if (equals > 0 && !given.has(name)) given.set(name, unquoted(parameter.slice(equals + 1).trim()))
  }
  return { value: value.trim().toLowerCase(), parameters: joinedParameters(given) }
}

/** Splits at semicolons outside of quotes. */
function splitParameters(text: string): string[] {
  const parts: string[] = []
  let start = 0
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\' && isQuoted) at += 1
    else if (text[at] === '"') isQuoted = !isQuoted
    else if (text[at] === ';' && !isQuoted) {
      parts.push(text.slice(start, at))
      start = at + 1
    }
  }
  return [...parts, text.slice(start)]
}

function unquoted(text: string): string {
  if (!text.startsWith('"')) return text
  return text.slice(1, text.endsWith('"') && text.length > 1 ? -1 : undefined).replaceAll(/\\(.)/g, '$1')
}

/** RFC 2231: `name*=utf-8''M%C3%BCller`, and long ones as `name*0`, `name*1`, … */
function joinedParameters(given: ReadonlyMap<string, string>): Map<string, string> {
  const joined = new Map<string, string>()
  for (const [name, text] of given) if (!name.includes('*')) joined.set(name, decodedWords(text))
  for (const name of new Set([...given.keys()].filter((key) => key.includes('*')).map((key) => key.split('*')[0]!))) {
    const whole = given.get(`${name}*`)
    joined.set(name, whole === undefined ? continued(given, name) : decodedExtended(whole))
  }
  return joined
}

function continued(given: ReadonlyMap<string, string>, name: string): string {
  const pieces: string[] = []
  for (let index = 0; ; index++) {
    const piece = given.get(`${name}*${index}*`) ?? given.get(`${name}*${index}`)
    if (piece === undefined) break
    pieces.push(piece)
  }
  const text = pieces.join('')
  return given.has(`${name}*0*`) ? decodedExtended(text) : text
}

function decodedExtended(text: string): string {
  const [charset = '', , ...rest] = text.split("'")
  const encoded = Buffer.from(rest.length === 0 ? text : rest.join("'"), 'utf8').toString('latin1')
  const bytes = encoded.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return decodeCharset(Buffer.from(bytes, 'latin1'), rest.length === 0 ? 'utf-8' : charset)
}
