import type { UpstreamResponse } from './connection.ts'

/** What there is of a body. */
export interface ShortBody {
  readonly text: string
  /** Why there is not more: it broke off, the signal of its request was aborted, or it is too long. Null: it is whole. */
  readonly problem: unknown
}

/** Reads a body that should be short, and never more than so many bytes of it. Never throws. */
export async function readShortBody({ body }: Pick<UpstreamResponse, 'body'>, maxBytes: number): Promise<ShortBody> {
  const reads: Uint8Array[] = []
  let length = 0
  let problem: unknown = null
  try {
    for await (const read of body as AsyncIterable<Uint8Array>) {
      reads.push(read)
      length += read.byteLength
      if (length <= maxBytes) continue
      problem = new Error(`it sent more than ${maxBytes} bytes where a short answer was expected`)
      // Leaving the loop destroys the body, and closes its connection.
      break
    }
  } catch (error) {
    problem = error
  }
  return { text: Buffer.concat(reads).toString('utf8', 0, maxBytes), problem }
}
