import { fileDeleted, fileList, fileObject } from '../../answer/files.ts'
import { GatewayError } from '../../errors.ts'
import type { Files } from '../../files/files.ts'
import { fileName, mediaTypeOf, readExpiry, readFileWishes } from '../../request/file-form.ts'
import { readFileList } from '../../request/file-list.ts'
import type { Metrics } from '../../telemetry/metrics.ts'
import type { SignedUrl } from '../../wire/mistral/signed-url.ts'
import type { GatewayContext } from '../context.ts'
import { receiveFile } from '../receive-file.ts'
import { sendFile } from '../send-file.ts'

/** The services and limits of stored files. */
export interface FileServices {
  readonly files: Files
  readonly bodyIdleSeconds: number
  readonly metrics: Pick<Metrics, 'uploadedBytes'>
}

/** As OpenAI and Mistral have it. */
export const MAX_FILE_BYTES = 512 * 1024 * 1024

/** Returns whose files a request means. */
export const ownerOf = (c: GatewayContext): string => c.get('record').key ?? ''

const idOf = (c: GatewayContext): string => c.req.param('id') ?? ''

/** `POST /v1/files`: stores the file of a form, as it arrives. */
export function createFile({ files: { store }, bodyIdleSeconds: idleSeconds, metrics }: FileServices) {
  return async function createFile(c: GatewayContext): Promise<Response> {
    const owner = ownerOf(c)
    const { fields, filename, mediaType, arrival } = await receiveFile(c, {
      field: 'file',
      maxBytes: MAX_FILE_BYTES,
      idleSeconds,
      expect: (announced) => store.quota.check(owner, announced),
      check: readFileWishes,
      take: (bytes, announced) => store.receive(owner, bytes, announced),
    })
    const facts = { filename: fileName(filename), mediaType: mediaTypeOf(mediaType), ...readFileWishes(fields) }
    const file = await store.keep(owner, arrival, facts)
    metrics.uploadedBytes.inc(file.bytes)
    return c.json(fileObject(file))
  }
}

/** `GET /v1/files`: lists the caller's files, in OpenAI's pages or Mistral's. */
export function listFiles({ files: { store } }: FileServices) {
  return async function listFiles(c: GatewayContext): Promise<Response> {
    const { isEmpty, ...query } = readFileList(new URL(c.req.url).searchParams)
    return c.json(fileList(isEmpty ? { files: [], hasMore: false, total: 0 } : await store.list(ownerOf(c), query)))
  }
}

/** `GET /v1/files/{id}`. */
export function retrieveFile({ files: { store } }: FileServices) {
  return async function retrieveFile(c: GatewayContext): Promise<Response> {
    return c.json(fileObject(await store.find(ownerOf(c), idOf(c))))
  }
}

/** `DELETE /v1/files/{id}`. */
export function deleteFile({ files: { store } }: FileServices) {
  return async function deleteFile(c: GatewayContext): Promise<Response> {
    await store.remove(ownerOf(c), idOf(c))
    return c.json(fileDeleted(idOf(c)))
  }
}

/** `GET /v1/files/{id}/content`: the file's bytes. */
export function fileContent({ files: { store }, bodyIdleSeconds }: FileServices) {
  return async function fileContent(c: GatewayContext): Promise<Response> {
    return sendFile(c, await store.open(await store.find(ownerOf(c), idOf(c))), bodyIdleSeconds)
  }
}

/** `GET /v1/files/{id}/url`: an address with which the file can be read without a key, for some hours. */
export function fileUrl({ files: { store, addresses } }: FileServices) {
  return async function fileUrl(c: GatewayContext): Promise<Response> {
    const { id, expiresAt } = await store.find(ownerOf(c), idOf(c))
    const until = Math.floor(Date.now() / 1000) + readExpiry(c.req.query('expiry')) * 3600
    return c.json({ url: `${originOf(c)}${await addresses.sign(id, Math.min(until, expiresAt))}` } satisfies SignedUrl)
  }
}

/** Serves a file to who has its signed address; a request without a signature needs a key, and goes on. */
export function signedContent({ files: { store, addresses }, bodyIdleSeconds }: FileServices) {
  return async function signedContent(c: GatewayContext, next: () => Promise<void>): Promise<Response | void> {
    if (c.req.query('signature') === undefined) return next()
    const found = await addresses.read(c.req.url)
    if (found === null || found.hasExpired || found.id !== idOf(c)) throw notSigned(found?.hasExpired === true)
    return sendFile(c, await store.open(await store.findAny(found.id)), bodyIdleSeconds)
  }
}

function notSigned(hasExpired: boolean): GatewayError {
  const problem = hasExpired ? 'has expired' : 'is not as this gateway has signed it'
  return new GatewayError('forbidden', `The address ${problem}. Ask for another one, with GET /v1/files/{id}/url.`)
}

/** Returns what the client calls this gateway, through proxies that say so. */
function originOf(c: GatewayContext): string {
  const { protocol, host } = new URL(c.req.url)
  const forwarded = (name: string): string | undefined => c.req.header(name)?.split(',', 1)[0]?.trim()
  const proto = /^https?$/.exec(forwarded('x-forwarded-proto') ?? '')?.[0] ?? protocol.slice(0, -1)
  const origin = `${proto}://${forwarded('x-forwarded-host') || host}`
  return URL.canParse(origin) ? new URL(origin).origin : `${protocol}//${host}`
}
