import { Marked, type Token, type Tokens } from 'marked'
import { cutPieces } from '../markdown/cut-pieces.ts'

const marked = new Marked({ gfm: true, async: false })

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' }

/** The text of Markdown without its marks, as a text layer would have it: what is compared is what stands on the page. */
export function plainText(markdown: string): string {
  let text = ''
  for (const { kind, text: piece } of cutPieces(markdown)) text += kind === 'code' ? `${piece}\n` : textOf(piece)
  return text
}

function textOf(piece: string): string {
  try {
    return blocksText(marked.lexer(piece))
  } catch {
    // Ten thousand nested quotations end the parser's stack.
    return piece
  }
}

const blocksText = (tokens: readonly Token[]): string => tokens.map((token) => `${tokenText(token)}\n`).join('')
const inlineText = (tokens: readonly Token[]): string => tokens.map(tokenText).join('')

const tokenText = (token: Token): string => {
  switch (token.type) {
    case 'html':
      return htmlText(token.raw)
    case 'image':
    case 'hr':
    case 'checkbox':
    case 'def':
      return ''
    case 'br':
      return '\n'
    case 'table': {
      const { header, rows } = token as Tokens.Table
      return [header, ...rows].map((row) => row.map(({ tokens }) => inlineText(tokens)).join(' ')).join('\n')
    }
    case 'list':
      return listText(token as Tokens.List)
    case 'blockquote':
    case 'list_item':
      return blocksText((token as Tokens.Blockquote).tokens)
    case 'code':
    case 'codespan':
    case 'escape':
      return (token as Tokens.Code).text
    default:
      return 'tokens' in token && token.tokens !== undefined
        ? inlineText(token.tokens)
        : entities('text' in token ? String(token.text) : token.raw)
  }
}

/** The numbers stand on the page, too. */
const listText = ({ items, ordered, start }: Tokens.List): string =>
  items.map(({ tokens }, index) => (ordered ? `${Number(start) + index}. ` : '') + blocksText(tokens)).join('')

function htmlText(html: string): string {
  return entities(
    html
      .replaceAll(/<!--[\s\S]*?-->/g, '')
      .replaceAll(/<(?:\/(?:tr|p|div|li|h\d|table)|br)\b[^>]*>/gi, '\n')
      .replaceAll(/<\/t[dh]\s*>/gi, ' ')
      .replaceAll(/<\/?[a-z][^>]*>/gi, ''),
  )
}

const entities = (text: string): string =>
  text.replaceAll(/&(?:#x(?<hex>[\da-f]{1,6})|#(?<decimal>\d{1,7})|(?<name>\w{2,6}));/gi, (all, ...rest) => {
    const { hex, decimal, name } = rest.at(-1) as Record<'hex' | 'decimal' | 'name', string | undefined>
    if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? all
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
    return code > 0 && code <= 0x10_ff_ff ? String.fromCodePoint(code) : all
  })
