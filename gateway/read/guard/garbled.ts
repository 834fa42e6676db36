/** A picture or a table is something that a page shows, with or without a word in it. */
const SHOWN = /!\[[^\]\n]{0,200}\]\([^)\n]{0,500}\)|<(?:img|table)\b|^[ \t]*(?:\|[ \t]*)?:?-{3,}:?[ \t]*\|/im
const TAG = /<\/?[a-z][^<>]{0,500}>/gi
/** Bytes as byte-level tokenizers write them: a space is `Ġ`, a line end `Ċ`, a tab `ĉ`. */
const SPACES = /[ĠĊĉ]/g
/** Letters, digits, and signs that say something alone: ticks, arrows, notes, emoji. Blocks and rules do not. */
const SAYING = /[\p{L}\p{N}]|(?![$+<=>|~^`\u00A8\u2500-\u259F\uFFFC\uFFFD])[\p{So}\p{Sm}\p{Sc}]/u

/** Tells whether an answer is no text: signs alone, or the bytes of tokens that were never put together. */
export function isGarbled(text: string): boolean {
  const bare = text.replaceAll(TAG, '')
  if (!SAYING.test(bare.replaceAll(SPACES, ''))) return !SHOWN.test(text)
  return hasTokenBytes(bare)
}

/**
 * Tells whether words are joined by `Ġ` and `Ċ`, or whether the characters stand for the bytes of a text. In Maltese, which
 * has both letters, a capital does not follow a small letter.
 */
function hasTokenBytes(text: string): boolean {
  const joints = text.match(/(?<=[\p{Ll}\p{N}\p{P}])[ĠĊ]/gmu)?.length ?? 0
  const spaces = text.match(/\s+/g)?.length ?? 0
  return (joints >= 2 && joints >= spaces) || spellsBytes(text)
}

/** The bytes that stand for themselves (`bytes_to_unicode` in OpenAI's GPT-2); the others are U+0100 to U+0143, in order. */
const isPrintable = (byte: number) => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad)
const OTHERS = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !isPrintable(byte))

/** Tells whether the characters, taken for bytes, are UTF-8 with characters beyond ASCII: real words never are. */
function spellsBytes(text: string): boolean {
  if (!/[\u0100-\u0143]/.test(text)) return false
  const bytes = Array.from(text.replaceAll(/\s/g, ''), (character) => {
    const code = character.codePointAt(0)!
    return code < 256 && isPrintable(code) ? code : OTHERS[code - 256]
  })
  if (bytes.includes(undefined)) return false
  try {
    const decoded = new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes, Number), { stream: true })
    return /[^\p{ASCII}]/u.test(decoded) && !/(?!\s)\p{Cc}/u.test(decoded)
  } catch {
    return false
  }
}
