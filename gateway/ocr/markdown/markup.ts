/**
 * What is left as it is inside a line: code, and mathematics. Each stops at the next sign of its kind, or after 500
 * characters: an answer may open thousands and close none.
 */
const RAW = [
  /(?<![`\p{L}\p{N}])(?<ticks>`+)(?!`)(?:[^\s`]|\S[^\n]{0,500}?\S| [^\n]{1,500}? )(?<!`)\k<ticks>(?![`\p{L}\p{N}])/u,
  /(?<![\\$])\$\$(?!\$)(?:(?!\n[ \t]*\n)[^$])+\$\$(?!\$)/u,
  /(?<![\\$\p{L}\p{N}])\$(?![\s$])(?:\\[^\n]|[^$\\\n])*(?<![\s\\])\$(?![$\p{L}\p{N}])/u,
  /\\\((?:(?!\\[()]|\n[ \t]*\n)[^])*\\\)/u,
  /\\\[(?:(?!\\[[\]]|\n[ \t]*\n)[^])*\\\]/u,
]
/**
 * A text with more backticks than this has no code in it: no page is so full of code, and for each of them 500 characters may
 * be looked at in vain.
 */
const MAX_TICKS = 5000
const sourceOf = (raw: readonly RegExp[]): string => `(?<raw>${raw.map(({ source }) => source).join('|')})`
const RAW_SOURCE = sourceOf(RAW)
const RAW_WITHOUT_CODE = sourceOf(RAW.slice(1))

function hasTooManyTicks(text: string): boolean {
  let count = 0
  for (let at = text.indexOf('`'); at >= 0 && count <= MAX_TICKS; at = text.indexOf('`', at + 1)) count += 1
  return count > MAX_TICKS
}

/** Replaces a pattern where it stands in no code and no mathematics; its source must not use numbered groups. */
export function replaceOutsideRaw(
  text: string,
  pattern: RegExp,
  replace: (groups: Readonly<Record<string, string>>, match: string) => string,
): string {
  return text.replace(outsideRaw(pattern, text), (match, ...rest) => {
    const groups = rest.at(-1) as Readonly<Record<string, string>>
    return groups['raw'] === undefined ? replace(groups, match) : match
  })
}

/** An expression for texts with code, and one for those without any. */
type Compiled = Readonly<Record<'code' | 'none', RegExp>>

const compiled = new WeakMap<RegExp, Compiled>()

/** Returns an expression that finds a pattern, and before it the code and mathematics to skip. */
function outsideRaw(pattern: RegExp, text: string): RegExp {
  const known = compiled.get(pattern) ?? compile(pattern.source)
  compiled.set(pattern, known)
  return hasTooManyTicks(text) ? known.none : known.code
}

function compile(source: string): Compiled {
  return {
    code: new RegExp(`${RAW_SOURCE}|${source}`, 'giu'),
    none: new RegExp(`${RAW_WITHOUT_CODE}|${source}`, 'giu'),
  }
}

const RAW_ALONE = new RegExp(RAW_SOURCE, 'gu')

/** Removes the backticks around code. */
export function unwrapCode(text: string): string {
  if (hasTooManyTicks(text)) return text
  return text.replace(RAW_ALONE, (raw) => {
    if (!raw.startsWith('`')) return raw
    const ticks = /^`+/.exec(raw)![0].length
    const code = raw.slice(ticks, -ticks)
    return /^ [^]+ $/.test(code) && code.trim() !== '' ? code.slice(1, -1) : code
  })
}

/** A piece of a text with HTML in it. */
export type Piece = Tag | Between<'text'> | Between<'comment'>

interface Between<Kind> {
  readonly kind: Kind
  readonly text: string
}

/** A tag that HTML has. */
export interface Tag {
  readonly kind: 'open' | 'close' | 'void'
  readonly text: string
  /** In lower case. */
  readonly name: string
  /** Where the piece stands that closes, or opens, this element; null where none does. */
  partner: number | null
}

const names = (list: string): ReadonlySet<string> => new Set(list.split(' '))

const VOID = names('br hr img wbr')
const INLINE = names(
  'a abbr b big cite code del dfn em font i ins kbd mark q s samp small span strike strong sub sup tt u var',
)

/** Elements that stand on lines of their own. */
export const BLOCK: ReadonlySet<string> = names(
  'address article aside blockquote body caption center col colgroup dd details div dl dt figcaption figure footer form h1 h2 h3 h4 h5 h6 header html li main nav ol p pre section summary table tbody td tfoot th thead tr ul',
)
/** Attributes that need no value. Other words in a tag say that it is none: "a<b and c>d". */
const WITHOUT_VALUE = /^(?:border|checked|compact|disabled|hidden|noshade|nowrap|open|reversed)$/i

const TAG =
  /<(?<slash>\/?)(?<name>[a-z][a-z0-9]{0,9})(?<attributes>(?:\s+[a-z_:][\w:.-]*(?:\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>=`]+))?)*)\s*\/?>/
const COMMENT = /<!--(?:(?!-->|<!--)[^])*-->/
const MARKUP = new RegExp(`(?<comment>${COMMENT.source})|${TAG.source}`)

/** Splits a text into HTML tags, comments and what stands between them. A tag is one only if HTML has it. */
export function scanMarkup(text: string): readonly Piece[] {
  const pieces: Piece[] = []
  const open = new Map<string, number[]>()
  let end = 0
  for (const match of text.matchAll(outsideRaw(MARKUP, text))) {
    const piece = pieceOf(match)
    if (piece === null) continue
    if (match.index > end) pieces.push({ kind: 'text', text: text.slice(end, match.index) })
    end = match.index + match[0].length
    if (piece.kind === 'open') {
      const others = open.get(piece.name)
      if (others === undefined) open.set(piece.name, [pieces.length])
      else others.push(pieces.length)
    }
    if (piece.kind === 'close') pair(pieces, piece, open.get(piece.name)?.pop())
    pieces.push(piece)
  }
  if (end < text.length) pieces.push({ kind: 'text', text: text.slice(end) })
  return pieces
}

function pair(pieces: readonly Piece[], closing: Piece, opening: number | undefined): void {
  const opened = opening === undefined ? undefined : pieces[opening]
  if (opening === undefined || opened?.kind !== 'open' || closing.kind !== 'close') return
  opened.partner = pieces.length
  closing.partner = opening
}

function pieceOf({ 0: text, groups = {} }: RegExpExecArray): Piece | null {
  if (groups['raw'] !== undefined) return null
  if (groups['comment'] !== undefined) return { kind: 'comment', text }
  const { slash = '', attributes = '' } = groups
  const name = (groups['name'] ?? '').toLowerCase()
  if (VOID.has(name))
    return slash === '' && isAttributes(attributes) ? { kind: 'void', text, name, partner: null } : null
  if (!INLINE.has(name) && !BLOCK.has(name)) return null
  if (slash === '/') return attributes === '' ? { kind: 'close', text, name, partner: null } : null
  return isAttributes(attributes) ? { kind: 'open', text, name, partner: null } : null
}

function isAttributes(attributes: string): boolean {
  const bare = attributes.replaceAll(/\s[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'|\S+)/g, ' ').trim()
  return bare === '' || bare.split(/\s+/).every((word) => WITHOUT_VALUE.test(word))
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  copy: '©',
  reg: '®',
  trade: '™',
  deg: '°',
  plusmn: '±',
  times: '×',
  divide: '÷',
  middot: '·',
  bull: '•',
  hellip: '…',
  ndash: '–',
  mdash: '—',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  laquo: '«',
  raquo: '»',
  euro: '€',
  pound: '£',
  yen: '¥',
  cent: '¢',
  sect: '§',
  para: '¶',
  frac12: '½',
  frac14: '¼',
  le: '≤',
  ge: '≥',
  ne: '≠',
  minus: '−',
  rarr: '→',
  larr: '←',
  check: '✓',
  cross: '✗',
}

/** Decodes the entities of a text that stands in HTML; leaves those that it does not know. */
export function decodeEntities(text: string): string {
  return text.replaceAll(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w{2,6}));/gi, (entity, decimal, hexadecimal, name) => {
    if (name !== undefined) return ENTITIES[String(name)] ?? ENTITIES[String(name).toLowerCase()] ?? entity
    const code = decimal === undefined ? Number.parseInt(hexadecimal, 16) : Number(decimal)
    return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : entity
  })
}
