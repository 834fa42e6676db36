import {
  answered,
  BODY_ERRORS,
  idParameter,
  json,
  query,
  STORING_ERRORS,
  type Content,
  type Operation,
} from '../operation.ts'
import { ref } from '../schemas.ts'

const fileId = idParameter('The id of a file.', 'file-4f2d1c0b9a8877665544332211ffeedd')
const uploadId = idParameter('The id of an upload.', 'upload_4f2d1c0b9a8877665544332211ffeedd')

const files = { tag: 'Files', errorForm: 'Mistral' } as const
const uploads = { tag: 'Uploads', errorForm: 'Mistral' } as const

const FILE_FORM: Readonly<Record<string, Content>> = {
  'multipart/form-data': {
    schema: {
      type: 'object',
      required: ['file'],
      properties: {
        file: { type: 'string', format: 'binary', description: 'The file, of at most 512 MiB.' },
        purpose: { type: 'string', default: 'ocr', description: 'OpenAI’s purposes, and `ocr`.' },
        'expires_after[anchor]': { type: 'string', const: 'created_at' },
        'expires_after[seconds]': {
          type: 'integer',
          minimum: 3600,
          maximum: 2_592_000,
          description: 'How long it is kept.',
        },
        expiry: {
          type: 'integer',
          minimum: 1,
          maximum: 720,
          description: 'The same in hours, as Mistral’s clients say it.',
        },
      },
      additionalProperties: true,
    },
  },
}

const PART_FORM: Readonly<Record<string, Content>> = {
  'multipart/form-data': {
    schema: {
      type: 'object',
      required: ['data'],
      properties: { data: { type: 'string', format: 'binary', description: 'The part, of at most 64 MiB.' } },
      additionalProperties: true,
    },
  },
}

const FORM_ERRORS = ['invalid_value', 'body_too_large', 'unsupported_media_type', ...STORING_ERRORS] as const

/** Clients of Mistral's name a base URL with `/v1`, or without. */
const bare = (operation: Operation): Operation => ({ ...operation, also: [operation.path.replace(/^\/v1/, '')] })

const fileOperations: readonly Operation[] = [
  {
    ...files,
    id: 'createFile',
    method: 'post',
    path: '/v1/files',
    summary: 'Store a file',
    body: { content: FILE_FORM },
    answers: answered('File', 'The file.'),
    errors: FORM_ERRORS,
  },
  {
    ...files,
    id: 'listFiles',
    method: 'get',
    path: '/v1/files',
    summary: 'List files',
    description: 'In OpenAI’s pages (`after`, `limit`), or in Mistral’s (`page`, `page_size`).',
    parameters: [
      query('after', 'The id of the file after which the list begins.', { type: 'string' }),
      query('limit', 'How many at most.', { type: 'integer', minimum: 1, maximum: 10_000, default: 10_000 }),
      query('order', 'Which come first: the oldest, or the newest.', { enum: ['asc', 'desc'], default: 'desc' }),
      query('purpose', 'Those of this purpose alone.', { type: 'string' }),
      query('page', 'Which page, from 0 on.', { type: 'integer', minimum: 0, maximum: 1_000_000 }),
      query('page_size', 'How many there are on a page.', {
        type: 'integer',
        minimum: 1,
        maximum: 10_000,
        default: 100,
      }),
      query('search', 'Those whose names hold this.', { type: 'string' }),
      query('mimetypes', 'Those of these media types, with commas between.', { type: 'string' }),
      query('sample_type', 'Mistral’s; files here are `ocr_input`.', { type: 'string' }),
      query('source', 'Mistral’s; files here are of `upload`.', { type: 'string' }),
      query('include_total', '`false`: nobody asks how many there are.', { type: 'string' }),
    ],
    answers: answered('FileList', 'The files.'),
    errors: ['invalid_value'],
  },
  {
    ...files,
    id: 'retrieveFile',
    method: 'get',
    path: '/v1/files/{id}',
    summary: 'What is known of a file',
    parameters: [fileId],
    answers: answered('File', 'The file.'),
    errors: ['file_not_found'],
  },
  {
    ...files,
    id: 'deleteFile',
    method: 'delete',
    path: '/v1/files/{id}',
    summary: 'Delete a file',
    parameters: [fileId],
    answers: answered('DeletedFile', 'It is gone.'),
    errors: ['file_not_found'],
  },
  {
    ...files,
    id: 'retrieveFileContent',
    method: 'get',
    path: '/v1/files/{id}/content',
    summary: 'The bytes of a file',
    parameters: [
      fileId,
      query('expires', 'Of a signed address.', { type: 'string' }),
      query('signature', 'Of a signed address, which needs no key.', { type: 'string' }),
    ],
    answers: {
      200: {
        description: 'The bytes, never to be shown by a browser.',
        headers: ['content-disposition', 'content-length'],
        content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
      },
    },
    errors: ['file_not_found'],
  },
  {
    ...files,
    id: 'createFileUrl',
    method: 'get',
    path: '/v1/files/{id}/url',
    summary: 'An address that needs no key',
    parameters: [
      fileId,
      query('expiry', 'For how many hours it is good.', { type: 'integer', minimum: 1, maximum: 168, default: 24 }),
    ],
    answers: answered('SignedUrl', 'The address.'),
    errors: ['invalid_value', 'file_not_found'],
  },
]

const uploadOperations: readonly Operation[] = [
  {
    ...uploads,
    id: 'createUpload',
    method: 'post',
    path: '/v1/uploads',
    summary: 'Begin a file that comes in parts',
    body: {
      content: json(ref('UploadRequest'), {
        upload: {
          summary: 'A PDF of a megabyte',
          value: { bytes: 1_000_000, filename: 'scan.pdf', mime_type: 'application/pdf', purpose: 'user_data' },
        },
      }),
    },
    answers: answered('Upload', 'The upload.'),
    errors: [...BODY_ERRORS, ...STORING_ERRORS],
  },
  {
    ...uploads,
    id: 'addUploadPart',
    method: 'post',
    path: '/v1/uploads/{id}/parts',
    summary: 'Store a part',
    parameters: [uploadId],
    body: { content: PART_FORM },
    answers: answered('UploadPart', 'The part.'),
    errors: [...FORM_ERRORS, 'file_not_found'],
  },
  {
    ...uploads,
    id: 'completeUpload',
    method: 'post',
    path: '/v1/uploads/{id}/complete',
    summary: 'Make the parts a file',
    parameters: [uploadId],
    body: { content: json(ref('UploadCompletion')) },
    answers: answered('Upload', 'The upload, with its file.'),
    errors: [...BODY_ERRORS, ...STORING_ERRORS, 'file_not_found'],
  },
  {
    ...uploads,
    id: 'cancelUpload',
    method: 'post',
    path: '/v1/uploads/{id}/cancel',
    summary: 'Forget the parts',
    parameters: [uploadId],
    answers: answered('Upload', 'The upload.'),
    errors: ['invalid_value', 'file_not_found'],
  },
]

/** Files and uploads. */
export const storedOperations: readonly Operation[] = [...fileOperations, ...uploadOperations].map(bare)
