import { z } from 'zod'

/** The gateway's own options in a request body. Strict: a misspelt option must not be ignored. */
export const ocrOptions = z.strictObject({
  pages: z.string().optional(),
  task: z.string().optional(),
  fields: z.union([z.array(z.string().min(1)).min(1), z.record(z.string(), z.unknown())]).optional(),
  output: z.enum(['markdown', 'text', 'json']).optional(),
  page_separator: z.string().max(1000).optional(),
  on_page_error: z.enum(['mark', 'fail']).optional(),
  on_deadline: z.enum(['fail', 'partial']).optional(),
  cache: z.enum(['use', 'refresh', 'off']).optional(),
  confidence: z.boolean().optional(),
  dry_run: z.boolean().optional(),
  figures: z.enum(['reference', 'embed', 'drop']).optional(),
  password: z.string().max(1000).optional(),
  documents: z.enum(['last', 'all']).optional(),
  prepare: z
    .strictObject({
      rotate: z.boolean().optional(),
      deskew: z.boolean().optional(),
      binarize: z.boolean().optional(),
      tile: z.boolean().optional(),
      resolution: z.literal('auto').optional(),
    })
    .optional(),
})

/** The `ocr` object of a request. */
export type OcrOptionsObject = z.output<typeof ocrOptions>

/** The `ocr` object of a chat, whose answer has room for pictures of the pages. */
export const chatOcrOptions = ocrOptions.extend({ preview: z.boolean().optional() })

/** The `ocr` object of a chat. */
export type ChatOcrOptionsObject = z.output<typeof chatOcrOptions>
