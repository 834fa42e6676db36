import { z } from 'zod'

// Strict, so that tests find an undeclared field. Clients must accept fields that later versions add.

const count = z.int().nonnegative()
/** 1-based. */
const pageNumber = z.int().positive()
const share = z.number().min(0).max(1)
const note = z.strictObject({ code: z.string(), message: z.string() })

const documentFacts = z.strictObject({
  /** Of its bytes, in hexadecimal. */
  sha256: z.string(),
  media_type: z.string(),
  /** How many it has, asked for or not. */
  pages: count,
  /** Of a file within a PDF portfolio. */
  name: z.string().optional(),
})

/** One page of the ledger. */
export const ledgerLine = z.strictObject({
  page: pageNumber,
  /** What the PDF calls it, where it has labels. */
  label: z.string().optional(),
  /** With several documents: which one, and which of its pages. */
  document: pageNumber.optional(),
  document_page: pageNumber.optional(),
  status: z.enum(['ok', 'repaired', 'fallback', 'blank', 'failed', 'pending']),
  cache: z.enum(['hit', 'miss', 'joined', 'off']),
  attempts: count,
  /** Why attempts did not count. */
  reasons: z.array(z.string()).readonly().optional(),
  engine: z.enum(['vllm', 'tesseract']),
  model: z.string(),
  rasterizer: z.string().nullable(),
  finish_reason: z.string().nullable(),
  /** Pixels of the page image; null when the page never became one. */
  width: count.nullable(),
  height: count.nullable(),
  prompt_tokens: count,
  completion_tokens: count,
  /** The share of the text layer's words and numbers that the text holds. */
  agreement: share.optional(),
  confidence: z.strictObject({ mean: share, lowest: share }).optional(),
  /** Offsets into the content, in UTF-16 code units. */
  start: count,
  end: count,
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
  /** Not looked at before the client's time was up. */
  pending_pages: z.array(pageNumber).readonly(),
  pages_to_read: count,
  expected: z.strictObject({
    prompt_tokens: count,
    completion_tokens: count,
    /** Null when nothing was measured. */
    seconds: z.number().nonnegative().nullable(),
    measured_pages: count,
  }),
})

/** What a dry run found. */
export type DryRunObject = z.output<typeof dryRunObject>

const figure = z.strictObject({
  /** What the Markdown calls it. */
  name: z.string(),
  page: pageNumber,
  media_type: z.enum(['image/png', 'image/jpeg']),
  /** Base64. */
  data: z.base64(),
  /** Of the picture, in pixels. */
  width: z.int().positive(),
  height: z.int().positive(),
  /** Where it stands: left, top, right, bottom, in pixels of the page image. */
  box: z.tuple([count, count, count, count]).readonly(),
})

/** A picture that was cut out of a page. */
export type FigureObject = z.output<typeof figure>

/** The `ocr` object of a response: what became of each page. */
export const ocrObject = z.strictObject({
  document: documentFacts,
  /** All of them, where there are several. */
  documents: z.array(documentFacts).readonly().optional(),
  task: z.string(),
  pages: z.array(ledgerLine).readonly(),
  /** Where they are asked for by reference. */
  figures: z.array(figure).readonly().optional(),
  dry_run: dryRunObject.optional(),
  warnings: z.array(note).readonly().optional(),
})

/** The `ocr` object of a response. */
export type OcrObject = z.output<typeof ocrObject>

/** The `ocr` object of the chunk with which a page's text begins. */
export const pageMark = z.strictObject({ page: pageNumber })
