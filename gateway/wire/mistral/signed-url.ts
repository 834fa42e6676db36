import { z } from 'zod'

/** The answer of `GET /v1/files/{id}/url`. */
export const signedUrl = z.strictObject({ url: z.string().describe('Where the file can be read without a key.') })

/** The answer of `GET /v1/files/{id}/url`. */
export type SignedUrl = z.output<typeof signedUrl>
