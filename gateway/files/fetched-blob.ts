import { randomUUID } from 'node:crypto'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { OpenBlob } from './blob-store.ts'
import { openHandle } from './open-handle.ts'
import { asBucketFailure } from './s3-client.ts'
import { asStorageFailure } from './storage-failure.ts'

/** What is as small is held in memory, where it is read at all. */
const SMALL_BYTES = 256 * 1024
/** How long a storage may send nothing, in milliseconds. */
const IDLE_TIMEOUT = 30_000

/**
 * Returns the bytes that a storage has begun to send. Who wants them as a stream gets them as they come. Who reads them, at any
 * place and as often as he likes, has them fetched once, to a file without a name: they stay the same, whatever becomes of
 * the original, and each drawer of a document has them from the disk.
 */
export function openFetched(body: Readable, length: number, folder: string): OpenBlob {
  let fetched: Promise<Held> | null = null
  // A connection may break while nobody reads yet; who reads then is told.
  body.on('error', () => {})
  return {
    length,
    async read(wanted = length, from = 0) {
      fetched ??= length <= SMALL_BYTES ? toMemory(body, length) : toDisk(body, length, folder)
      return (await fetched).read(Math.min(wanted, length - from), from)
    },
    stream: () => streamOf(body, length),
    async [Symbol.asyncDispose]() {
      if (!body.readableEnded) body.destroy()
      const held = await fetched?.catch(() => null)
      await held?.[Symbol.asyncDispose]()
    },
  }
}

type Held = Pick<OpenBlob, 'read' | typeof Symbol.asyncDispose>

async function toMemory(body: Readable, length: number): Promise<Held> {
  const pieces: Uint8Array[] = []
  for await (const piece of whole(body, length)) pieces.push(piece)
  const bytes = Buffer.concat(pieces)
  return {
    read: async (wanted = length, from = 0) => bytes.subarray(from, from + wanted),
    [Symbol.asyncDispose]: async () => {},
  }
}

async function toDisk(body: Readable, length: number, folder: string): Promise<Held> {
  await using opening = new AsyncDisposableStack()
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const path = join(folder, randomUUID())
    const handle = opening.adopt(await open(path, 'wx+', 0o600), (it) => it.close())
    // Nobody has to remove it, whatever happens to this process.
    await rm(path)
    for await (const piece of whole(body, length)) await handle.writeFile(piece)
    const held = await openHandle(handle)
    opening.move()
    return held
  } catch (thrown) {
    throw asStorageFailure(thrown)
  }
}

/** Returns a body as a stream that ends as `whole` does; the body goes with it, also where nobody has read it. */
function streamOf(body: Readable, length: number): Readable {
  const stream = Readable.from(whole(body, length), { objectMode: false })
  return stream.once('close', () => void (body.readableEnded || body.destroy()))
}

/** Yields all bytes of a body. Throws `storage_unavailable` where it breaks off, or stands still while it is waited for. */
async function* whole(body: Readable, length: number): AsyncGenerator<Uint8Array> {
  let received = 0
  const late = (): void => void body.destroy(new Error(`The storage has sent nothing for ${IDLE_TIMEOUT} ms.`))
  let timer = setTimeout(late, IDLE_TIMEOUT)
  try {
    for await (const piece of body as AsyncIterable<Uint8Array>) {
      // Who takes the bytes, as a client that downloads, may be slow.
      clearTimeout(timer)
      received += piece.length
      yield piece
      timer = setTimeout(late, IDLE_TIMEOUT)
    }
    if (received !== length) throw new Error(`The storage has sent ${received} bytes of ${length}.`)
  } catch (thrown) {
    throw asBucketFailure(thrown)
  } finally {
    clearTimeout(timer)
  }
}
