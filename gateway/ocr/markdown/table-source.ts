import { BLOCK, replaceOutsideRaw, type Piece, type Tag } from './markup.ts'

/** What a sign that opens no tag is written as meanwhile: a code point that no text may have (Unicode 17, section 23.7). */
const NO_TAG = '\uFDD0'
const ESCAPED = '&lt;'

/** A tag of a table whose attributes or end are broken: parse5 reads it once its quotes are even and it ends. */
const BROKEN_TAG =
  /\uFDD0(?<slash>\/?)(?<name>table|thead|tbody|tfoot|tr|td|th|caption|colgroup|col)(?<attributes>(?![\w:.-])[^<>\uFDD0]{0,500})(?:>|(?=[<\uFDD0])|$)/

/**
 * Writes a table in HTML so that an HTML parser reads it as it was meant: signs in code, in mathematics and in text are no
 * tags, "$a<b$", and broken tags of tables are.
 */
export function tableSource(pieces: readonly Piece[]): string {
  const escaped = pieces.map((piece, index) => {
    if (piece.kind === 'comment') return ''
    return piece.kind !== 'text' && isTag(piece, pieces[index - 1])
      ? piece.text
      : piece.text.replaceAll(NO_TAG, '').replaceAll('<', NO_TAG)
  })
  const source = escaped.join('')
  if (!source.includes(NO_TAG)) return source
  return replaceOutsideRaw(source, BROKEN_TAG, ({ slash = '', name = '', attributes = '' }) =>
    slash === '' ? `<${name}${evenQuotes(attributes)}>` : `</${name}>`,
  ).replaceAll(NO_TAG, ESCAPED)
}

/** In "a<b" no bold begins, unless it ends. */
function isTag({ kind, name, partner }: Tag, before: Piece | undefined): boolean {
  if (kind !== 'open' || partner !== null || BLOCK.has(name)) return true
  return !(before?.kind === 'text' && /[\p{L}\p{N}]$/u.test(before.text))
}

/** A quote that is not closed would take in the cells that follow. */
function evenQuotes(attributes: string): string {
  const quotes = attributes.split('"').length - 1
  return quotes % 2 === 0 && !attributes.includes("'") ? attributes : attributes.replaceAll(/["']/g, ' ')
}
