import { z } from 'zod'
import { expiresAfter, fileObject, filePurpose } from './file.ts'

/** The body of `POST /v1/uploads`. */
export const uploadRequest = z.looseObject({
  bytes: z.int('expected a number of bytes').positive('expected a number of bytes'),
  filename: z.string('expected the name of the file').min(1, 'expected the name of the file'),
  mime_type: z.string('expected a media type').nullish(),
  purpose: filePurpose.nullish(),
  expires_after: expiresAfter.nullish(),
})

/** The body of `POST /v1/uploads/{id}/complete`. */
export const completeRequest = z.looseObject({
  part_ids: z
    .array(z.string('expected the id of a part'), 'expected a list of ids of parts')
    .min(1, 'expected one id of a part, or more')
    .max(10_000, 'expected fewer ids of parts'),
  md5: z
    .string('expected an MD5 in hexadecimal')
    .regex(/^(?:[0-9a-f]{32})?$/i, 'expected an MD5 in hexadecimal, 32 digits')
    .nullish(),
})

/** An upload. */
export const uploadObject = z.strictObject({
  id: z.string(),
  object: z.literal('upload'),
  bytes: z.int(),
  created_at: z.int(),
  expires_at: z.int(),
  filename: z.string(),
  purpose: z.string(),
  status: z.enum(['pending', 'completed', 'cancelled', 'expired']),
  file: fileObject.nullable(),
})

/** An upload. */
export type UploadObject = z.output<typeof uploadObject>

/** A part of an upload. */
export const uploadPart = z.strictObject({
  id: z.string(),
  object: z.literal('upload.part'),
  created_at: z.int(),
  upload_id: z.string(),
})

/** A part of an upload. */
export type UploadPart = z.output<typeof uploadPart>
