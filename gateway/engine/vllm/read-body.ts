import type { Readable } from 'node:stream'

/** What may come of a body after all that is wanted of it: its end, and perhaps a line. In bytes and milliseconds. */
const MAX_REST_BYTES = 1024
const REST_WITHIN = 1000

/**
 * Hands over each read of a body in the moment in which it comes: an iterator would cost more for each token than parsing it. Ends with the
 * body, or when `onRead` returns true; the connection is then kept for the next request, if the body ends soon. Returns why the body broke off;
 * null: it did not. Throws what `onRead` throws, and leaves the connection then.
 */
export function readBody(body: Readable, onRead: (bytes: Uint8Array) => boolean): Promise<Error | null> {
  const { promise, resolve, reject } = Promise.withResolvers<Error | null>()
  let isOver = false

  function end(broken: Error | null): void {
    isOver = true
    resolve(broken)
  }

  function take(bytes: Uint8Array): void {
    if (isOver) return
    try {
      if (!onRead(bytes)) return
      end(null)
      leaveRest(body)
    } catch (error) {
      isOver = true
      reject(error)
      body.destroy()
    }
  }

  body.on('data', take)
  body.once('end', () => end(null))
  body.on('error', (error: Error) => end(error))
  body.once('close', () => end(new Error('the body was closed')))
  return promise
}

/** Reads what is left of a body; the connection of a server that sends more is closed. */
function leaveRest(body: Readable): void {
  let rest = 0
  const limit = setTimeout(() => body.destroy(), REST_WITHIN).unref()
  body.once('close', () => clearTimeout(limit))
  body.on('data', ({ byteLength }: Uint8Array) => {
    rest += byteLength
    if (rest > MAX_REST_BYTES) body.destroy()
  })
}
