import { z } from 'zod'

// What is said with `meta` is for readers of the schema, and for forms made from it: defaults are set in request/options.ts.

/** Nothing that is read as pages is missing here; page 0 and ranges that end before they begin are refused later. */
const PAGES = String.raw`^\s*\d{1,9}\s*(?:-\s*(?:\d{1,9}\s*)?)?(?:,\s*\d{1,9}\s*(?:-\s*(?:\d{1,9}\s*)?)?)*$`

const preparation = z.strictObject({
  rotate: z
    .boolean()
    .optional()
    .meta({ default: false, description: 'Turn pages that lie on their side or stand on their head.' }),
  deskew: z.boolean().optional().meta({ default: false, description: 'Level pages that were scanned at a slant.' }),
  binarize: z
    .boolean()
    .optional()
    .meta({ default: false, description: 'Make pages black and white: for faint print, stains and shadows.' }),
  tile: z.boolean().optional().meta({
    description: 'Read pages in overlapping parts. Where nothing is set, pages with type too small for the model are.',
  }),
  resolution: z
    .literal('auto')
    .optional()
    .meta({ description: 'Draw each page so large that its letters have the size that the model reads best.' }),
})

const joins = z.strictObject({
  paragraphs: z.boolean().optional().meta({ default: false, description: 'Paragraphs, words and lists.' }),
  tables: z.boolean().optional().meta({ default: false, description: 'Tables.' }),
})

/** What becomes of what stands at the top, or at the bottom, of page after page. */
const runningLines = z.enum(['keep', 'strip', 'separate']).optional()

/** The gateway's own options in a request body. Strict: a misspelt option must not be ignored. */
export const ocrOptions = z.strictObject({
  pages: z
    .string()
    .optional()
    .meta({
      description: 'Pages and ranges, from 1 on; an open end means the last page. All where nothing is set.',
      examples: ['1-3,7,10-'],
      pattern: PAGES,
    }),
  task: z
    .string()
    .optional()
    .meta({
      default: 'document',
      description: "What the model is asked for: one of its profile's tasks.",
      examples: ['document'],
    }),
  fields: z
    .union([
      z
        .array(z.string().min(1))
        .min(1)
        .meta({ title: 'Names', examples: [['invoice_number', 'total']] }),
      z.record(z.string(), z.unknown()).meta({ title: 'JSON schema' }),
    ])
    .optional()
    .meta({ description: 'What the task "extract" is to find: names, or a JSON schema.' }),
  min_confidence: z
    .union([z.enum(['high', 'ordinary']).meta({ title: 'Word' }), z.number().min(0).max(1).meta({ title: 'Share' })])
    .optional()
    .meta({
      description:
        'How sure the model must be of each value that the task "extract" finds; a value below it is doubtful. `high` is 0.95, `ordinary` 0.7.',
    }),
  output: z.enum(['markdown', 'text', 'json']).optional().meta({
    default: 'markdown',
    description: 'Markdown, text without markup, or one JSON object: pages, their blocks, headings.',
  }),
  chunks: z
    .strictObject({
      max_tokens: z
        .int()
        .min(16)
        .max(100_000)
        .meta({ description: 'The most tokens of a chunk, as they are estimated.' }),
    })
    .optional()
    .meta({
      description: 'With the output "json": the text in parts for a vector store, cut at headings and paragraphs.',
      examples: [{ max_tokens: 512 }],
    }),
  page_separator: z.string().max(1000).optional().meta({
    default: '\n\n---\n\n',
    description:
      'Stands between two pages. {page} and {label} in it become the number and the label of the page that follows.',
  }),
  on_page_error: z.enum(['mark', 'fail']).optional().meta({
    default: 'mark',
    description: 'What a page that cannot be read does: leaves a mark in the text, or fails the request.',
  }),
  on_deadline: z.enum(['fail', 'partial']).optional().meta({
    default: 'fail',
    description: "When the client's time is up before all pages are read: fail, or answer with those that are.",
  }),
  cache: z.enum(['use', 'refresh', 'off']).optional().meta({
    default: 'use',
    description: 'Use known answers; refresh them, by reading again; or neither use nor keep any.',
  }),
  confidence: z.boolean().optional().meta({ default: false, description: 'Say how sure the model was of each page.' }),
  dry_run: z
    .boolean()
    .optional()
    .meta({ default: false, description: 'Only look at the pages, and tell what reading them would take.' }),
  tables: z.enum(['markdown', 'html']).optional().meta({
    description:
      'How tables are written: Markdown, and HTML where cells span, or HTML. Where nothing is set, as the model did.',
  }),
  figures: z.enum(['reference', 'embed', 'drop']).optional().meta({
    description:
      'Pictures that the model marks: beside the text and named in it, within the text, or left out. Where nothing is set, the marks stay.',
  }),
  join: z
    .union([z.boolean().meta({ title: 'All, or nothing' }), joins.meta({ title: 'Some' })])
    .optional()
    .meta({ default: false, description: 'Join paragraphs, words, lists and tables that the end of a page has cut.' }),
  headers: runningLines.meta({
    default: 'keep',
    description: 'What stands at the top of page after page: keep it, leave it out, or put it into the ledger.',
  }),
  footers: runningLines.meta({
    default: 'keep',
    description: 'The same for what stands at the bottom, page numbers among it.',
  }),
  fallback_model: z.string().min(1).max(1000).optional().meta({
    description: 'A served model that is asked once for each page that the model could not read.',
  }),
  verify: z
    .union([
      z.boolean().meta({ title: 'Another model' }),
      z.string().min(1).max(1000).meta({ title: 'A served model' }),
    ])
    .optional()
    .meta({
      default: false,
      description: 'A second served model that reads each page too; how its text differs is in the ledger.',
    }),
  password: z
    .string()
    .max(1000)
    .optional()
    .meta({ format: 'password', description: 'Opens encrypted PDFs. Neither logged nor kept.' }),
  documents: z.enum(['last', 'all']).optional().meta({
    default: 'last',
    description: 'Documents of the last user message that has any, or of every message.',
  }),
  prepare: preparation.optional().meta({ description: 'What is done to pages before they are read.' }),
})

/** The `ocr` object of a request. */
export type OcrOptionsObject = z.output<typeof ocrOptions>

/** The `ocr` object of a chat, whose answer has room for pictures of the pages. */
export const chatOcrOptions = ocrOptions.extend({
  preview: z
    .boolean()
    .optional()
    .meta({ default: false, description: 'Send small pictures of the pages, as soon as they are drawn.' }),
})

/** The `ocr` object of a chat. */
export type ChatOcrOptionsObject = z.output<typeof chatOcrOptions>
