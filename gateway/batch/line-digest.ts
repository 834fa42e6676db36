/** A string is cut behind so many bytes, or a little later: more than all that is looked at before a line is run. */
const KEPT_BYTES = 4096

/** A line that holds more beside its long strings is refused before it is parsed. */
const MAX_BYTES = 16 * 1024 * 1024

/** A JSON text while it arrives, with long strings cut: as much of it as is needed to tell whether it is a request. */
export interface LineDigest {
  add(piece: Buffer): void
  /** Returns the text, and begins with the next; null: it is too long. */
  end(): Buffer | null
}

const QUOTE = '"'.charCodeAt(0)
const BACKSLASH = '\\'.charCodeAt(0)

/**
 * Creates a digest. A line may be as long as the file it is from; what is kept of it is short, as nearly all of it is one
 * document in base64. What is left out of a string is not checked: that is done when the line is run.
 */
export function createLineDigest(): LineDigest {
  let pieces: Buffer[] = []
  let bytes = 0
  let isInString = false
  /** Bytes of the open string that came with earlier pieces. */
  let before = 0
  /** Whether the rest of the open string is left out. */
  let isCut = false
  const strings = createStringEnds()

  function keep(piece: Buffer, from: number, to: number): void {
    bytes += to - from
    if (from === to || bytes > MAX_BYTES) return
    const kept = piece.subarray(from, to)
    // A small part would hold all that was read with it.
    pieces.push(kept.length * 4 < piece.length ? Buffer.from(kept) : kept)
  }

  return {
    add(piece) {
      let kept = 0
      for (let at = 0; at < piece.length;) {
        if (!isInString) {
          const open = piece.indexOf(QUOTE, at)
          isInString = open >= 0
          before = 0
          at = open < 0 ? piece.length : open + 1
          continue
        }
        const close = strings.closeIn(piece, at)
        const length = before + close - at
        if (!isCut && length > KEPT_BYTES) {
          keep(piece, kept, cutBetween(piece, at, Math.max(at, at + KEPT_BYTES - before), close))
          isCut = true
        }
        if (isCut) kept = close
        before = length
        at = close
        if (close === piece.length) continue
        isInString = isCut = false
        at += 1
      }
      keep(piece, kept, piece.length)
    },
    end() {
      const digest = bytes > MAX_BYTES ? null : pieces.length === 1 ? (pieces[0] ?? null) : Buffer.concat(pieces, bytes)
      pieces = []
      bytes = 0
      isInString = isCut = false
      strings.reset()
      return digest
    },
  }
}

/** Finds the ends of strings, whose bytes come in pieces. */
function createStringEnds() {
  /** Whether the last byte escapes the next. */
  let escapes = false
  return {
    /** Returns where the quote is that ends the open string; the piece's length: not in this one. */
    closeIn(piece: Buffer, from: number): number {
      let at = escapes ? from + 1 : from
      escapes = false
      for (;;) {
        const quote = piece.indexOf(QUOTE, at)
        const end = quote < 0 ? piece.length : quote
        let first = end
        while (first > at && piece[first - 1] === BACKSLASH) first -= 1
        const isEscaped = (end - first) % 2 === 1
        if (quote >= 0 && !isEscaped) return quote
        if (quote < 0) {
          escapes = isEscaped
          return piece.length
        }
        at = quote + 1
      }
    },
    reset() {
      escapes = false
    },
  }
}

/** The longest escape, and more than the longest character. */
const LONGEST_ESCAPE = 6

/** Returns where a string can be cut from a place on, but not before `from`: neither in an escape nor in a character. */
function cutBetween(piece: Buffer, from: number, wanted: number, to: number): number {
  // What came with the last piece may have ended in an escape: behind so many bytes it is over.
  let end = Math.min(to, Math.max(wanted, from + 2 * LONGEST_ESCAPE))
  const slash = piece.lastIndexOf(BACKSLASH, end - 1)
  if (end < to && slash >= Math.max(from, end - LONGEST_ESCAPE)) {
    let first = slash
    while (first > from && piece[first - 1] === BACKSLASH) first -= 1
    end = first > from ? first : to
  }
  while (end < to && ((piece[end] ?? 0) & 0xc0) === 0x80) end += 1
  return end
}
