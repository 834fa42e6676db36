/** A text whose long lines are cut, and where what stands in it stood before. */
export interface ShortLines {
  readonly text: string
  /** Returns what says where an offset stood before; it takes them in ascending order. */
  readonly place: () => (offset: number) => number
}

/** What a line is, its beginning says, and at times its end. */
const HEAD = 160
const TAIL = 40
/** HTML ends at a sign that may stand anywhere in its line. */
const HTML_HEAD = 4000

/** Takes out the middle of long lines: what the blocks of a text are does not depend on it, and reading them takes time. */
export function shortLines(text: string): ShortLines {
  const parts: string[] = []
  const cuts: { readonly at: number; readonly length: number }[] = []
  let written = 0
  for (const line of text.split('\n')) {
    const head = /^[ \t>]{0,100}</.test(line) ? HTML_HEAD : HEAD
    const cut = line.length - head - TAIL
    const kept = cut > 0 ? line.slice(0, head) + line.slice(head + cut) : line
    if (cut > 0) cuts.push({ at: written + head, length: cut })
    parts.push(kept)
    written += kept.length + 1
  }
  return { text: parts.join('\n'), place: () => placing(cuts) }
}

function placing(cuts: readonly { readonly at: number; readonly length: number }[]): (offset: number) => number {
  let next = 0
  let added = 0
  return (offset) => {
    for (let cut = cuts[next]; cut !== undefined && cut.at < offset; cut = cuts[++next]) added += cut.length
    return offset + added
  }
}
