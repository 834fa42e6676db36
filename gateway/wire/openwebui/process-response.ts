import { z } from 'zod'

/**
 * The answer of `PUT /process`. Vector stores take flat metadata, without nulls: what is not known is left out. Strict, so
 * that tests find an undeclared field.
 */
export const processResponse = z.strictObject({
  page_content: z.string(),
  metadata: z.strictObject({
    /** The file's name. */
    source: z.string().optional(),
    media_type: z.string(),
    /** Of its bytes, in hexadecimal. */
    sha256: z.string(),
    bytes: z.int().optional(),
    /** The encoding of a text that was given back as it is. */
    encoding: z.string().optional(),
    model: z.string().optional(),
    pages: z.int().optional(),
    /** Their numbers: `2, 5`. */
    failed_pages: z.string().optional(),
    blank_pages: z.string().optional(),
  }),
})

/** The answer of `PUT /process`. */
export type ProcessResponse = z.output<typeof processResponse>
