import { z } from 'zod'

/**
 * The answer of `PUT /process`. Vector stores take flat metadata, without nulls: what is not known is left out. Strict, so
 * that tests find an undeclared field.
 */
export const processResponse = z.strictObject({
  page_content: z.string(),
  metadata: z.strictObject({
    source: z.string().optional().describe("The file's name."),
    media_type: z.string(),
    sha256: z.string().describe('Of its bytes, in hexadecimal.'),
    bytes: z.int().optional(),
    encoding: z.string().optional().describe('The encoding of a text that was given back as it is.'),
    model: z.string().optional(),
    pages: z.int().optional(),
    failed_pages: z.string().optional().describe('Their numbers: `2, 5`.'),
    blank_pages: z.string().optional(),
  }),
})

/** The answer of `PUT /process`. */
export type ProcessResponse = z.output<typeof processResponse>
