import { partObject, uploadObject } from '../../answer/files.ts'
import { GatewayError } from '../../errors.ts'
import { readCompletion, readUploadWishes } from '../../request/file-form.ts'
import type { GatewayContext } from '../context.ts'
import { readJson, type BodyServices } from '../read-json.ts'
import { receiveFile } from '../receive-file.ts'
import { MAX_FILE_BYTES, ownerOf, type FileServices } from './files.ts'

/** The services and limits of files that come in parts. */
export type UploadServices = FileServices & BodyServices

const MAX_PART_BYTES = 64 * 1024 * 1024

const idOf = (c: GatewayContext): string => c.req.param('id') ?? ''

/** `POST /v1/uploads`: begins a file that comes in parts. */
export function createUpload(services: UploadServices) {
  return async function createUpload(c: GatewayContext): Promise<Response> {
    const { bytes, ...facts } = readUploadWishes(await bodyOf(c, services))
    if (bytes > MAX_FILE_BYTES) throw tooLarge()
    return c.json(uploadObject(services.files.uploads.create(ownerOf(c), bytes, facts)))
  }
}

/** `POST /v1/uploads/{id}/parts`: stores a part, as it arrives. */
export function addUploadPart({ files: { uploads }, bodyIdleSeconds: idleSeconds, metrics }: UploadServices) {
  return async function addUploadPart(c: GatewayContext): Promise<Response> {
    const owner = ownerOf(c)
    const { arrival } = await receiveFile(c, {
      field: 'data',
      maxBytes: MAX_PART_BYTES,
      idleSeconds,
      expect: (announced) => uploads.expectPart(owner, idOf(c), announced),
      check: () => {},
      take: (bytes, announced) => uploads.receivePart(owner, idOf(c), bytes, announced),
    })
    const part = await uploads.keepPart(owner, idOf(c), arrival)
    metrics.uploadedBytes.inc(part.bytes)
    return c.json(partObject(part, idOf(c)))
  }
}

/** `POST /v1/uploads/{id}/complete`: makes the parts one file, in the order in which they are listed. */
export function completeUpload(services: UploadServices) {
  return async function completeUpload(c: GatewayContext): Promise<Response> {
    const completion = readCompletion(await bodyOf(c, services))
    return c.json(uploadObject(await services.files.uploads.complete(ownerOf(c), idOf(c), completion)))
  }
}

/** `POST /v1/uploads/{id}/cancel`; clients send no body, and call it JSON. */
export function cancelUpload({ files: { uploads } }: UploadServices) {
  return async function cancelUpload(c: GatewayContext): Promise<Response> {
    return c.json(uploadObject(await uploads.cancel(ownerOf(c), idOf(c))))
  }
}

async function bodyOf(c: GatewayContext, services: UploadServices): Promise<unknown> {
  const { outline, reservation } = await readJson(c, services)
  reservation.release()
  return outline
}

function tooLarge(): GatewayError {
  const message = `A file may have ${MAX_FILE_BYTES} bytes. Split it.`
  return new GatewayError('document_too_large', message, { param: 'bytes' })
}
