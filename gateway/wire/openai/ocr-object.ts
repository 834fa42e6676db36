import { z } from 'zod'

// Strict, so that tests find an undeclared field. Clients must accept fields that later versions add.

const count = z.int().nonnegative()
/** 1-based. */
const pageNumber = z.int().positive()
const share = z.number().min(0).max(1)
const note = z.strictObject({ code: z.string(), message: z.string() })
/** Left, top, right, bottom. */
const box = z.tuple([count, count, count, count]).readonly()

const documentFacts = z.strictObject({
  sha256: z.string().describe('Of its bytes, in hexadecimal.'),
  media_type: z.string(),
  pages: count.describe('How many it has, asked for or not.'),
  name: z.string().optional().describe('Of a file within a PDF portfolio.'),
})

const pageFormulas = z.strictObject({
  count,
  unchecked: count.optional().describe('How many KaTeX was not done with in time.'),
  broken_count: count.optional().describe('How many KaTeX cannot parse.'),
  broken: z
    .array(z.strictObject({ tex: z.string(), message: z.string() }))
    .readonly()
    .optional()
    .describe('The first twenty of them: what begins their TeX, and what KaTeX says.'),
})

const verification = z.strictObject({
  model: z.string(),
  error: z.string().optional().describe('Why it has not read the page; the page has its text all the same.'),
  agreement: share
    .optional()
    .describe('The share of the words and numbers of both readings that the two have in common.'),
  differences: z
    .array(
      z.strictObject({
        kind: z
          .enum(['number', 'missing', 'extra', 'text'])
          .describe('`number`: digits differ; `missing`: only the second model has it; `extra`: only the text has it.'),
        ours: z.string(),
        theirs: z.string(),
      }),
    )
    .readonly()
    .optional()
    .describe('Numbers first; at most 20, of 200 characters each.'),
  differences_total: count.optional(),
  prompt_tokens: count.optional().describe('What the second reading has cost; 0 where it was known.'),
  completion_tokens: count.optional(),
})

/** One page of the ledger. */
export const ledgerLine = z.strictObject({
  page: pageNumber.describe('From 1, through all documents of the request.'),
  label: z.string().optional().describe('What the PDF calls it, where it has labels.'),
  document: pageNumber.optional().describe('With several documents: which one.'),
  document_page: pageNumber.optional().describe('With several documents: which page of its own.'),
  status: z
    .enum(['ok', 'repaired', 'fallback', 'blank', 'failed', 'pending'])
    .describe('`repaired`: right after a retry; `fallback`: from the text layer; `pending`: not read in time.'),
  cache: z.enum(['hit', 'miss', 'joined', 'off']).describe('`joined`: read once, for several.'),
  attempts: count,
  reasons: z.array(z.string()).readonly().optional().describe('Why attempts did not count.'),
  engine: z.enum(['vllm', 'tesseract']),
  model: z.string().describe('Whose text it is.'),
  route: z
    .enum(['easy_layer', 'easy_tesseract', 'main', 'escalated', 'fallback'])
    .optional()
    .describe('Where the text is from, where the request routes its pages.'),
  rasterizer: z.string().nullable(),
  finish_reason: z.string().nullable(),
  width: count.nullable().describe('Of the page image, in pixels; null when the page never became one.'),
  height: count.nullable().describe('Of the page image, in pixels.'),
  prompt_tokens: count,
  completion_tokens: count,
  agreement: share.optional().describe("The share of the text layer's words and numbers that the text holds."),
  confidence: z.strictObject({ mean: share, lowest: share }).optional(),
  formulas: pageFormulas.optional().describe('Where a vision model has read some, as Markdown.'),
  verify: verification.optional().describe('What a second model has read, where one was asked.'),
  start: count.describe('Where it begins in the content, in UTF-16 code units.'),
  end: count.describe('Where it ends in the content.'),
  joined: z
    .strictObject({
      page: pageNumber.describe('Where the block begins.'),
      kind: z.enum(['paragraph', 'word', 'table', 'list']),
      start: count.describe('Where the whole block begins in the content.'),
      end: count,
    })
    .optional()
    .describe("Its text goes on with an earlier page's."),
  header: z.string().optional().describe('Taken out of its text, where headers were to stand apart.'),
  footer: z.string().optional().describe('Taken out of its text, where footers were to stand apart.'),
  warnings: z.array(note).readonly().optional(),
  error: note.optional(),
})

/** One page of the `ocr` object of a response. */
export type LedgerLine = z.output<typeof ledgerLine>

const dryRunObject = z.strictObject({
  pages: count,
  cached_pages: count,
  blank_pages: z.array(pageNumber).readonly(),
  repeated_pages: z.array(z.strictObject({ page: pageNumber, same_as: pageNumber })).readonly(),
  unreadable_pages: z.array(z.strictObject({ page: pageNumber, code: z.string() })).readonly(),
  pending_pages: z.array(pageNumber).readonly().describe("Not looked at before the client's time was up."),
  pages_to_read: count,
  easy_pages: z.array(pageNumber).readonly().optional().describe('Answered from their text layer, without an engine.'),
  verified_by: z
    .string()
    .optional()
    .describe('The model that reads the pages to read too; what that takes is not in `expected`.'),
  expected: z.strictObject({
    prompt_tokens: count,
    completion_tokens: count,
    seconds: z.number().nonnegative().nullable().describe('Null when nothing was measured.'),
    measured_pages: count,
  }),
})

/** What a dry run found. */
export type DryRunObject = z.output<typeof dryRunObject>

const figure = z.strictObject({
  name: z.string().describe('What the Markdown calls it.'),
  page: pageNumber,
  media_type: z.enum(['image/png', 'image/jpeg']),
  data: z.base64().describe('Base64.'),
  width: z.int().positive().describe('Of the picture, in pixels.'),
  height: z.int().positive(),
  /** Where it stands, in pixels of the page image. */
  box,
})

/** A picture that was cut out of a page. */
export type FigureObject = z.output<typeof figure>

const field = z.strictObject({
  status: z
    .enum(['ok', 'repaired', 'doubtful', 'invalid', 'missing'])
    .describe(
      '`repaired`: right since the model was asked again; `doubtful`: it may be right, and `reason` says why not.',
    ),
  value: z
    .union([z.string(), z.number(), z.boolean(), z.null()])
    .describe('As it is written on the page; null where it is missing.'),
  normalized: z
    .string()
    .nullable()
    .describe('In the one form of its format: a day in ISO 8601, an amount with a point. Null where it has none.'),
  page: pageNumber.nullable().describe('Where it stands; null where it is missing.'),
  confidence: share.nullable().describe('Of the least sure token; null where the engine did not say.'),
  reason: z.string().optional().describe('What is wrong with it.'),
})

/** A value that the task `extract` has found. */
export type FieldObject = z.output<typeof field>

const fieldError = z.strictObject({
  path: z.string().describe('JSON pointer into the content; empty: all of it.'),
  message: z.string(),
})

/** What was done to a page before the model was shown it, in the order in which it was done. */
const pageChange = z.discriminatedUnion('code', [
  /** Drawn larger or smaller than pages are, by so much. */
  z.strictObject({ code: z.literal('resized'), factor: z.number().positive() }),
  /** Clockwise. */
  z.strictObject({ code: z.literal('rotated'), degrees: z.literal([90, 180, 270]) }),
  /** Clockwise; negative: the other way. */
  z.strictObject({ code: z.literal('deskewed'), degrees: z.number() }),
  z.strictObject({ code: z.literal('binarized') }),
  /** Paper was added at the right and the lower edge. */
  z.strictObject({ code: z.literal('padded') }),
  /** The model was shown these parts, in pixels of the page image; rows from the top, each from the left. */
  z.strictObject({ code: z.literal('tiled'), boxes: z.array(box).readonly() }),
])

/** A small picture of a page, as the model is shown it. */
const pagePreview = z.strictObject({
  page: pageNumber,
  image: z
    .string()
    .startsWith('data:image/jpeg;base64,')
    .describe('A data URL of a JPEG; its longest edge has at most 800 pixels.'),
  width: z.int().positive().describe('Pixels of the page image, of which this is a small picture.'),
  height: z.int().positive(),
  changes: z.array(pageChange).readonly(),
  text_layer: z
    .string()
    .optional()
    .describe('The text that the PDF itself has for the page, at most 65,536 characters; left out where it has none.'),
})

/** A small picture of a page. */
export type PagePreviewObject = z.output<typeof pagePreview>

/** The `ocr` object of a response: what became of each page. */
export const ocrObject = z.strictObject({
  document: documentFacts,
  documents: z.array(documentFacts).readonly().optional().describe('All of them, where there are several.'),
  task: z.string(),
  pages: z.array(ledgerLine).readonly(),
  routes: z
    .strictObject({
      easy_layer: count.optional(),
      easy_tesseract: count.optional(),
      main: count.optional(),
      escalated: count.optional(),
      fallback: count.optional(),
      verified: count.optional(),
    })
    .optional()
    .describe('How many pages came to their text in which way, where the request routes its pages.'),
  figures: z.array(figure).readonly().optional().describe('Where they are asked for by reference.'),
  previews: z
    .array(pagePreview)
    .readonly()
    .optional()
    .describe('Where they are asked for, and the answer is no stream.'),
  fields: z
    .record(z.string(), field)
    .optional()
    .describe(
      'Of the task "extract" with a schema: each value by its name, and those within others by their JSON pointers.',
    ),
  fields_valid: z
    .boolean()
    .nullable()
    .optional()
    .describe('Whether the content fits the schema; null where finding that out took too long.'),
  fields_errors: z.array(fieldError).readonly().optional().describe('Where the content does not fit the schema.'),
  dry_run: dryRunObject.optional(),
  warnings: z.array(note).readonly().optional(),
})

/** The `ocr` object of a response. */
export type OcrObject = z.output<typeof ocrObject>

/** The `ocr` object of the chunk with which a page's text begins; where previews are asked for, with its line of the ledger. */
export const pageMark = z.strictObject({ page: pageNumber, line: ledgerLine.optional() })

/** The `ocr` object of the chunk that holds a page's preview, and no choice. */
export const previewMark = z.strictObject({ preview: pagePreview })
