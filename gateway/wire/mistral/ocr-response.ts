import { z } from 'zod'
import { ledgerLine, ocrObject } from '../openai/ocr-object.ts'

// Strict, so that tests find an undeclared field; Mistral's clients accept fields that they do not know.

const pixels = z.int().nonnegative()
const share = z.number().min(0).max(1)

/** A picture on a page, by the name that the page's Markdown has for it. */
const ocrImage = z.strictObject({
  id: z.string(),
  top_left_x: pixels,
  top_left_y: pixels,
  bottom_right_x: pixels,
  bottom_right_y: pixels,
  image_base64: z.string().nullable().describe('A data URL; null unless it was asked for.'),
  image_annotation: z.null(),
})

/** A picture on a page. */
export type OcrImage = z.output<typeof ocrImage>

/** A table that was taken out of a page's Markdown, by the name of the link in its place. */
const ocrTable = z.strictObject({ id: z.string(), content: z.string(), format: z.enum(['markdown', 'html']) })

/** A table that was taken out of a page's Markdown. */
export type OcrTable = z.output<typeof ocrTable>

const ocrBlock = z.strictObject({
  type: z.enum([
    'text',
    'title',
    'list',
    'table',
    'image',
    'equation',
    'caption',
    'code',
    'aside_text',
    'header',
    'footer',
  ]),
  top_left_x: pixels,
  top_left_y: pixels,
  bottom_right_x: pixels,
  bottom_right_y: pixels,
  content: z.string(),
  image_id: z.string().optional().describe("Of a picture: its name among the page's images."),
})

/** A block of a page, with its place. */
export type OcrBlock = z.output<typeof ocrBlock>

const ocrPage = z.strictObject({
  index: pixels.describe('0-based, of the whole document.'),
  markdown: z.string(),
  images: z.array(ocrImage).readonly(),
  tables: z.array(ocrTable).readonly().describe('Empty unless a format of tables was asked for.'),
  hyperlinks: z.array(z.string()).readonly(),
  header: z.string().nullable().describe('Null unless it was asked for, and the model tells it apart.'),
  footer: z.string().nullable().describe('Null unless it was asked for, and the model tells it apart.'),
  dimensions: z
    .strictObject({ dpi: pixels, height: pixels, width: pixels })
    .nullable()
    .describe('Of the image that the model was shown; null when the page never became one.'),
  confidence_scores: z
    .strictObject({ average_page_confidence_score: share, minimum_page_confidence_score: share })
    .nullable(),
  blocks: z.array(ocrBlock).readonly().nullable().describe('Null unless the model was asked for the layout.'),
  error: z
    .strictObject({ code: z.string(), message: z.string() })
    .optional()
    .describe('Only of a page that could not be read, or not whole.'),
})

/** A page of the answer of `POST /v1/ocr`. */
export type OcrPage = z.output<typeof ocrPage>

/** The answer of `POST /v1/ocr`: Mistral's, with the ledger beside it. */
export const mistralOcrResponse = z.strictObject({
  pages: z.array(ocrPage).readonly(),
  model: z.string(),
  document_annotation: z.string().nullable().describe('JSON, as a string.'),
  usage_info: z.strictObject({ pages_processed: pixels, doc_size_bytes: pixels.nullable() }),
  /** `annotation`: the ledger of what was read for `document_annotation`. */
  ocr: ocrObject.extend({
    annotation: ocrObject
      .pick({ task: true, fields: true, fields_valid: true, fields_errors: true })
      .extend({ pages: z.array(ledgerLine).readonly() })
      .optional(),
  }),
})

/** The answer of `POST /v1/ocr`. */
export type MistralOcrResponse = z.output<typeof mistralOcrResponse>
