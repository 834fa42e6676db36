const segments = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

// East Asian Width W and F, and emoji; Unicode has no property for it that regular expressions know.
const WIDE =
  /^[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\p{Emoji}\ufe0f/u
const UNSEEN = /^[\p{Mark}\p{Cf}]+$/u

function widthOfCharacter(character: string): number {
  if (UNSEEN.test(character)) return 0
  return WIDE.test(character) ? 2 : 1
}

// oxlint-disable-next-line no-control-regex -- these are the colours
const COLOR = /(\u001b\[\d*m)/

/** What is seen as one character, and colours, each with the columns that it takes. */
function* charactersOf(text: string): Generator<readonly [string, number], void, undefined> {
  for (const [index, part] of text.split(COLOR).entries()) {
    if (index % 2 === 1) yield [part, 0]
    else for (const { segment } of segments.segment(part)) yield [segment, widthOfCharacter(segment)]
  }
}

/** Returns how many columns of a terminal a text takes. */
export function widthOf(text: string): number {
  let width = 0
  for (const [, columns] of charactersOf(text)) width += columns
  return width
}

/** Cuts a text to columns, in front: the end of a path tells more than its beginning. */
export function cutFront(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  const characters = [...segments.segment(text)].map(({ segment }) => segment)
  let [kept, width] = ['', 1]
  for (const character of characters.toReversed()) {
    width += widthOfCharacter(character)
    if (width > columns) break
    kept = character + kept
  }
  return `…${kept}`
}

/** Cuts a text to columns, and fills it up to them. */
export function fitted(text: string, columns: number): string {
  const cut = cutFront(text, columns)
  return cut + ' '.repeat(Math.max(0, columns - widthOf(cut)))
}

/** Breaks a text into lines of so many columns, at spaces where there are some. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = []
  let [line, width] = ['', 0]
  for (const [character, wide] of charactersOf(text)) {
    if (width + wide > columns) {
      const space = line.lastIndexOf(' ')
      const cut = space > columns / 2 ? space : line.length
      lines.push(line.slice(0, cut))
      line = line.slice(cut).trimStart()
      width = widthOf(line)
    }
    line += character
    width += wide
  }
  return [...lines, line]
}
