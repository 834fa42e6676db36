import type { FilePage, StoredFile } from '../files/stored-file.ts'
import type { UploadAndFile } from '../files/upload-store.ts'
import type { UploadPart } from '../files/upload.ts'
import type { FileDeleted, FileList, FileObject } from '../wire/openai/file.ts'
import type { UploadObject, UploadPart as PartObject } from '../wire/openai/upload.ts'

/** Builds what clients read of a file: OpenAI's fields and Mistral's at once. */
export function fileObject(file: StoredFile): FileObject {
  const { id, bytes, sha256, filename, purpose, mediaType, createdAt, expiresAt } = file
  return {
    id,
    object: 'file',
    bytes,
    created_at: createdAt,
    expires_at: expiresAt,
    filename,
    purpose,
    status: 'processed',
    status_details: null,
    sample_type: 'ocr_input',
    source: 'upload',
    mimetype: mediaType,
    num_lines: null,
    signature: null,
    deleted: false,
    sha256,
  }
}

/** Builds a part of the list of files. */
export function fileList({ files, hasMore, total }: FilePage): FileList {
  return {
    object: 'list',
    data: files.map(fileObject),
    first_id: files[0]?.id ?? null,
    last_id: files.at(-1)?.id ?? null,
    has_more: hasMore,
    total,
  }
}

/** Builds the answer to a deletion. */
export function fileDeleted(id: string): FileDeleted {
  return { id, object: 'file', deleted: true }
}

/** Builds what clients read of an upload. */
export function uploadObject({ upload, file }: UploadAndFile): UploadObject {
  const { id, bytes, createdAt, expiresAt, filename, purpose, status } = upload
  return {
    id,
    object: 'upload',
    bytes,
    created_at: createdAt,
    expires_at: expiresAt,
    filename,
    purpose,
    status,
    file: file === null ? null : fileObject(file),
  }
}

/** Builds what clients read of a part of an upload. */
export function partObject({ id, createdAt }: UploadPart, uploadId: string): PartObject {
  return { id, object: 'upload.part', created_at: createdAt, upload_id: uploadId }
}
