import { Readable } from 'node:stream'
import type { OpenFile } from '../files/file-store.ts'
import type { GatewayContext } from './context.ts'

/**
 * Answers with a file's bytes, from the disk and as fast as they are taken. What somebody has uploaded is no page of this
 * gateway: no browser shows it, or guesses what it is. The connection of a client that takes nothing for so many seconds is
 * ended: it would hold a file, and what was read of it.
 */
export async function sendFile(c: GatewayContext, { file, blob }: OpenFile, idleSeconds: number): Promise<Response> {
  const headers = {
    'content-type': 'application/octet-stream',
    'content-length': String(blob.length),
    'content-disposition': disposition(file.filename),
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    'cache-control': 'private, no-store',
  }
  if (c.req.method !== 'HEAD') {
    c.env.outgoing.setTimeout(idleSeconds * 1000)
    return c.body(Readable.toWeb(blob.stream()) as ReadableStream, 200, headers)
  }
  await blob[Symbol.asyncDispose]()
  return c.body(null, 200, headers)
}

/** RFC 6266: a name in ASCII for old clients, and the whole name. */
function disposition(name: string): string {
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_')
  const escaped = encodeURIComponent(name.toWellFormed()).replaceAll(
    /['()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16)}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${escaped}`
}
