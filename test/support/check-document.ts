import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import {
  DOCUMENT_SCHEMA_VERSION,
  type OcrDocument,
  type OcrDocumentHeading,
} from '../../gateway/wire/openai/ocr-document.ts'

const published = join(import.meta.dirname, `../../docs/schema/ocr-document-${DOCUMENT_SCHEMA_VERSION}.json`)
const validate = new Ajv2020({ allErrors: true, strict: true }).compile<OcrDocument>(
  JSON.parse(readFileSync(published, 'utf8')) as object,
)

/** A document, and its pages' Markdown by their numbers. */
export interface CheckedDocument {
  readonly document: OcrDocument
  readonly markdowns: ReadonlyMap<number, string>
}

/**
 * Throws unless a content is valid by the published schema, its blocks hold all text of their pages in order, and all of
 * its offsets slice to what they say.
 */
export function checkDocument(content: string): CheckedDocument {
  const document: unknown = JSON.parse(content)
  assert.ok(validate(document), JSON.stringify(validate.errors?.slice(0, 3)))
  const markdowns = new Map<number, string>()
  for (const page of document.pages) {
    if (!('markdown' in page)) continue
    const { markdown, blocks } = page
    markdowns.set(page.page, markdown)
    let at = 0
    for (const { text, start, end, box } of blocks) {
      assert.ok(start >= at && end > start)
      assert.equal(markdown.slice(start, end), text)
      assert.equal(markdown.slice(at, start).trim(), '')
      if (box !== null) assert.ok(box[0] < box[2] && box[1] < box[3], JSON.stringify(box))
      at = end
    }
    assert.equal(markdown.slice(at).trim(), '')
  }
  assert.equal(document.page_count, document.pages.length)
  for (const heading of flat(document.headings)) {
    const page = document.pages.find(({ page }) => page === heading.page)
    assert.ok(page !== undefined && 'blocks' in page)
    assert.ok(page.blocks.some(({ start, type }) => start === heading.start && /title|heading/.test(type)))
  }
  for (const { text, pages, start, end } of document.chunks ?? []) {
    const parts = pages.map((number, index) =>
      markdowns.get(number)!.slice(index === 0 ? start : 0, index === pages.length - 1 ? end : undefined),
    )
    assert.equal(parts.join('\n\n'), text)
  }
  return { document, markdowns }
}

/** Lists the headings of a tree, in their order. */
function flat(headings: readonly OcrDocumentHeading[]): OcrDocumentHeading[] {
  return headings.flatMap((heading) => [heading, ...flat(heading.children)])
}
