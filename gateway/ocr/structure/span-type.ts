import { scanMarkup, type Piece } from '../markdown/markup.ts'
import type { BlockType, Span } from './block.ts'

/** Pictures alone, with what models write behind them: `![image](image_1.png)112,80,640,455`. */
const PICTURES = /^(?:!\[[^\]\n]*\]\([^()\n]*\)(?:[ \t]*\d{1,4}(?:,\d{1,4}){3})?\s*)+$/
/** A number and a sign behind it: "Figure 3 shows" is text. */
const CAPTION =
  /^[*_]{0,3}(?:fig(?:ure|\.)?|table|tab\.|chart|scheme|plate|abb(?:ildung|\.)?|tabelle|tableau|figura|tabla|tabela|tabella|图|圖|表|図|그림|표)\s{0,3}(?:[a-z]\.?)?\d{1,4}(?:[.\-–]\d{1,3}){0,3}[a-z]?[*_]{0,3}\s?(?:[.:：|–—]|[\u3000 ](?=[\p{Script=Han}\p{Script=Hangul}]))/iu
/** A caption that is longer is a text about it. */
const MAX_CAPTION = 1500

/** Tells what a paragraph is. */
export function paragraphType(text: string): BlockType {
  if (text.startsWith('![') && PICTURES.test(text)) return 'figure'
  if (isDisplay(text, '$$', '$$') || isDisplay(text, '\\[', '\\]')) return 'formula'
  return text.length <= MAX_CAPTION && CAPTION.test(text) ? 'caption' : 'text'
}

/** Tells whether a text is one formula that stands alone. */
function isDisplay(text: string, opener: string, closer: string): boolean {
  if (!text.startsWith(opener)) return false
  const end = text.indexOf(closer, opener.length)
  return end >= 0 && /^[.,;]?$/.test(text.slice(end + closer.length).trim())
}

const TYPES: Readonly<Record<string, BlockType>> = {
  table: 'table',
  figure: 'figure',
  img: 'figure',
  caption: 'caption',
  figcaption: 'caption',
  ul: 'list',
  ol: 'list',
  dl: 'list',
  pre: 'code',
  header: 'header',
  footer: 'footer',
}
/** They say how what is in them is set. */
const AROUND: ReadonlySet<string> = new Set(['div', 'center', 'p', 'section', 'article'])

/** Tells what a block of HTML is: by the one element that it consists of, or that stands alone in others. */
export function htmlKind(html: string): Pick<Span, 'type' | 'level'> {
  const pieces = scanMarkup(html).map((piece, index) => ({ piece, index }))
  const solid = pieces.filter(({ piece }) => piece.kind !== 'comment' && piece.text.trim() !== '')
  let [first, last] = [0, solid.length - 1]
  for (; first <= last; first += 1, last -= 1) {
    const name = elementName(solid[first]?.piece, first === last, solid[last]?.index ?? -1)
    if (name === null) break
    const level = /^h([1-6])$/.exec(name)?.[1]
    if (level !== undefined) return { type: 'heading', level: Number(level) }
    const type = TYPES[name]
    if (type !== undefined) return { type, level: null }
    if (!AROUND.has(name)) break
  }
  return { type: 'text', level: null }
}

/** Returns the name of an element that ends at a piece; null where what begins here does not. */
function elementName(piece: Piece | undefined, isAlone: boolean, end: number): string | null {
  if (piece?.kind === 'void') return isAlone ? piece.name : null
  return piece?.kind === 'open' && piece.partner === end ? piece.name : null
}
