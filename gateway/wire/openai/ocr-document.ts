import { z } from 'zod'

// Strict, so that tests find an undeclared field. What changes the meaning of a field raises the version.

/** The version that a document says, and the name of its published schema. */
export const DOCUMENT_SCHEMA_VERSION = '1.0'

const count = z.int().nonnegative()
/** 1-based. */
const pageNumber = z.int().positive()

const block = z.strictObject({
  type: z.enum([
    'title',
    'heading',
    'text',
    'list',
    'table',
    'formula',
    'figure',
    'caption',
    'code',
    'header',
    'footer',
    'footnote',
  ]),
  text: z.string().describe("Markdown: `markdown.slice(start, end)` of the block's page."),
  box: z
    .tuple([count, count, count, count])
    .nullable()
    .describe('Left, top, right, bottom in pixels of the page image; null where it is not known.'),
  confidence: z.number().min(0).max(1).nullable().describe('Null where the engine gives none for blocks.'),
  start: count.describe("Where it begins in the page's `markdown`, in UTF-16 code units."),
  end: count,
})

const pageFacts = {
  page: pageNumber.describe('From 1, through all documents of the request.'),
  label: z.string().nullable().describe('What the PDF calls it; null where it has no labels.'),
  status: z.enum(['ok', 'repaired', 'fallback', 'blank', 'failed', 'pending']).describe('As in the ledger.'),
  error: z.strictObject({ code: z.string(), message: z.string() }).optional().describe('Of a failed page.'),
}

const textPage = z.strictObject({
  ...pageFacts,
  markdown: z.string(),
  blocks: z.array(block).describe('In reading order. They do not overlap, and between them is only white space.'),
})

const dataPage = z.strictObject({
  ...pageFacts,
  data: z.unknown().describe('What the model answered, parsed; a text where that was not possible.'),
})

const heading = z.strictObject({
  level: z.int().min(1).max(6),
  text: z.string().describe('Without markup; at most 500 characters.'),
  page: pageNumber,
  start: count.describe("Where its block begins in the page's `markdown`."),
  get children() {
    return z.array(heading)
  },
})

const chunk = z.strictObject({
  text: z.string().describe('Markdown: a part of the pages as they stand, with an empty line between two pages.'),
  pages: z.array(pageNumber).min(1).describe('Those that it has text of.'),
  headings: z.array(z.string()).describe('Those above it, the outermost first, its own included.'),
  start: count.describe("Where it begins in the first page's `markdown`, in UTF-16 code units."),
  end: count.describe("Where it ends in the last page's `markdown`."),
})

/** The content of an answer with `output: "json"`. */
export const ocrDocument = z.strictObject({
  schema_version: z.literal(DOCUMENT_SCHEMA_VERSION),
  pages: z.array(z.union([textPage, dataPage])),
  page_count: count.describe('How many pages were asked for.'),
  title: z.string().nullable().describe('Without markup; null where no heading is one.'),
  abstract: z.string().nullable().describe('Without markup; null where none says that it is one.'),
  language: z.string().nullable().describe('Of most of the text, as in BCP 47: `en`, `zh`; null where it is not sure.'),
  headings: z.array(heading).describe('A tree: those below a heading are its children.'),
  chunks: z.array(chunk).optional().describe('Where they are asked for.'),
})

/** Its parts, by their names in the published schemas. */
export const ocrDocumentSchemas = {
  OcrDocument: ocrDocument,
  OcrDocumentTextPage: textPage,
  OcrDocumentDataPage: dataPage,
  OcrDocumentBlock: block,
  OcrDocumentHeading: heading,
  OcrDocumentChunk: chunk,
}

/** The content of an answer with `output: "json"`. */
export type OcrDocument = z.output<typeof ocrDocument>

/** A part of a page's text. */
export type OcrDocumentBlock = z.output<typeof block>

/** A heading, and those below it. */
export type OcrDocumentHeading = z.output<typeof heading>

/** A part of the text of about the size that was asked for. */
export type OcrDocumentChunk = z.output<typeof chunk>
