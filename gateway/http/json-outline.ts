/** A string longer than this is left out of an outline. In bytes. */
const MAX_STRING_BYTES = 4096

/** An outline keeps so much of a long string: enough to tell `data:` from `http:`, however it is escaped. */
const HEAD_BYTES = 64

/** A JSON text with more strings is no envelope around a few documents, and parsing it whole is faster. */
const MAX_STRINGS = 10_000

const QUOTE = '"'.charCodeAt(0)
const BACKSLASH = '\\'.charCodeAt(0)
const LETTER_U = 'u'.charCodeAt(0)
const ELLIPSIS = Buffer.from('…')

/**
 * Copies a JSON text with an ellipsis in place of what its long strings hold beyond their beginnings. Finding the end of a page image's
 * megabyte of base64 takes a hundredth of the time of parsing it. Invalid JSON stays invalid, unless the fault is
 * inside a string that is left out.
 */
export function jsonOutline(json: Buffer): Buffer {
  const pieces: Buffer[] = []
  let kept = 0
  let open = json.indexOf(QUOTE)
  for (let strings = 0; open >= 0; strings++) {
    const close = endOfString(json, open + 1)
    if (close < 0 || strings === MAX_STRINGS) return json
    if (close - open > MAX_STRING_BYTES) {
      pieces.push(json.subarray(kept, endOfHead(json, open + 1)), ELLIPSIS)
      kept = close
    }
    open = json.indexOf(QUOTE, close + 1)
  }
  return Buffer.concat([...pieces, json.subarray(kept)])
}

/** Cuts neither an escape nor a character of several bytes in two. */
function endOfHead(json: Buffer, from: number): number {
  let end = from
  while (end < from + HEAD_BYTES) {
    if (json[end] === BACKSLASH) end += json[end + 1] === LETTER_U ? 6 : 2
    else end += 1
    while (isContinuation(json[end])) end += 1
  }
  return end
}

/** Tells whether a byte goes on with a character of several, in UTF-8. */
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80
}

function endOfString(json: Buffer, from: number): number {
  let quote = json.indexOf(QUOTE, from)
  while (quote >= 0 && isEscaped(json, quote, from)) quote = json.indexOf(QUOTE, quote + 1)
  return quote
}

function isEscaped(json: Buffer, at: number, from: number): boolean {
  let first = at
  while (first > from && json[first - 1] === BACKSLASH) first--
  return (at - first) % 2 === 1
}
