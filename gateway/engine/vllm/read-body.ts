import type { Readable } from 'node:stream'

/** So many bytes are taken before others have their turn: a server that sends without end would take them all. */
const BYTES_PER_TURN = 64 * 1024
/** What may come of a body after all that is wanted of it: its end, and perhaps a line. In bytes and milliseconds. */
const MAX_REST_BYTES = 1024
const REST_WITHIN = 1000

/**
 * Hands over what each read of the socket has brought of a body, all of it together, in the moment in which it comes: an iterator would cost more for each
 * token than parsing it. Ends with the body, or when `onRead` returns true; the connection is then kept for the next request, if the body ends
 * soon. Returns why the body broke off; null: it did not. Throws what `onRead` throws, and leaves the connection then.
 */
export function readBody(body: Readable, onRead: (bytes: Uint8Array) => boolean): Promise<Error | null> {
  const { promise, resolve, reject } = Promise.withResolvers<Error | null>()
  let burst: Uint8Array[] = []
  let isOver = false
  let bytesOfTurn = 0

  function end(broken: Error | null): void {
    flush()
    isOver = true
    resolve(broken)
  }

  function flush(): void {
    const [first] = burst
    if (isOver || first === undefined) return
    const bytes = burst.length === 1 ? first : Buffer.concat(burst)
    burst = []
    take(bytes)
  }

  function take(bytes: Uint8Array): void {
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

  body.on('data', function hear(bytes: Uint8Array) {
    if (isOver) return
    // After all that the same read of the socket has brought: a server makes a chunk of each token.
    if (burst.push(bytes) === 1) process.nextTick(flush)
    bytesOfTurn += bytes.byteLength
    if (bytesOfTurn < BYTES_PER_TURN) return
    bytesOfTurn = 0
    body.pause()
    setImmediate(() => body.resume())
  })
  body.once('end', () => end(null))
  body.on('error', end)
  body.once('close', () => end(new Error('the body was closed')))
  if (body.closed) end(body.errored ?? (body.readableEnded ? null : new Error('the body was closed before')))
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
