import { z } from 'zod'

/** What a file may be for: OpenAI's purposes, and Mistral's. */
const FILE_PURPOSES = [
  'assistants',
  'batch',
  'evals',
  'fine-tune',
  'ocr',
  'user_data',
  'vision',
  'audio',
  'batch_output',
] as const

/** For how long files can be asked to be kept, in seconds. */
const MIN_SECONDS = 3600
const MAX_SECONDS = 2_592_000

/** What a file is for. */
export const filePurpose = z.enum(FILE_PURPOSES, `expected one of ${FILE_PURPOSES.join(', ')}`)

/** How long a file is kept, as a client asks for it. */
export const expiresAfter = z.looseObject({
  anchor: z.literal('created_at', 'expected "created_at"').nullish(),
  seconds: z.coerce
    .number()
    .int()
    .min(MIN_SECONDS)
    .max(MAX_SECONDS)
    .catch(() => NaN)
    .refine((seconds) => !Number.isNaN(seconds), `expected seconds, ${MIN_SECONDS} to ${MAX_SECONDS}`),
})

/** A file as OpenAI's clients and Mistral's expect it, both at once. */
export const fileObject = z.strictObject({
  id: z.string(),
  object: z.literal('file'),
  bytes: z.int(),
  created_at: z.int(),
  expires_at: z.int(),
  filename: z.string(),
  purpose: z.string(),
  status: z.literal('processed').describe('Clients that wait for a file wait for this.'),
  status_details: z.null(),
  sample_type: z.literal('ocr_input'),
  source: z.literal('upload'),
  mimetype: z.string().nullable(),
  num_lines: z.null(),
  signature: z.null(),
  deleted: z.literal(false),
  sha256: z.string().describe("The gateway's own: what the ledger says of the document."),
})

/** A file as OpenAI's clients and Mistral's expect it. */
export type FileObject = z.output<typeof fileObject>

/** A list of files; without `has_more` OpenAI's client in Python asks for ever. */
export const fileList = z.strictObject({
  object: z.literal('list'),
  data: z.array(fileObject),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
  total: z.int().nullable(),
})

/** A list of files. */
export type FileList = z.output<typeof fileList>

/** The answer to a deletion. */
export const fileDeleted = z.strictObject({ id: z.string(), object: z.literal('file'), deleted: z.literal(true) })

/** The answer to a deletion. */
export type FileDeleted = z.output<typeof fileDeleted>
