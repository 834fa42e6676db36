import { PassThrough, Readable } from 'node:stream'
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
    return c.body(Readable.toWeb(untilBroken(c, file.id, blob.stream())) as ReadableStream, 200, headers)
  }
  await blob[Symbol.asyncDispose]()
  return c.body(null, 200, headers)
}

/**
 * Returns a stream that never fails: where the other one does, the connection ends before its time, so that nobody takes what has
 * come for the whole. The server would write the error behind the file's bytes.
 */
function untilBroken(c: GatewayContext, file: string, from: Readable): Readable {
  const { outgoing } = c.env
  const passed = new PassThrough().once('close', () => from.destroy())
  from.once('error', (error) => {
    if (!outgoing.destroyed) c.get('log').error({ file, err: error }, 'a file broke off while it was sent')
    outgoing.destroy()
  })
  return from.pipe(passed)
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
