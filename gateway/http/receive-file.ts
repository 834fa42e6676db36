import type { Readable } from 'node:stream'
import type { Arrival } from '../files/arrival.ts'
import { GatewayError } from '../errors.ts'
import type { GatewayContext } from './context.ts'
import { readMultipart, type FormFile } from './multipart.ts'
import { announcedBytes } from './read-body.ts'

/** A form that brings one file, and where that goes. */
export interface FileForm {
  /** The field that holds the file. */
  readonly field: string
  readonly maxBytes: number
  readonly idleSeconds: number
  /** Refuses what is not wanted, before any of it is read; `announced` is how many bytes are expected at least. */
  readonly expect: (announced: number) => Promise<void>
  /** Looks at the fields that have come so far; what it throws refuses the form. */
  readonly check: (fields: ReadonlyMap<string, string>) => void
  /** Takes the file's bytes; `announced` is how many are expected at least. */
  readonly take: (bytes: Readable, announced: number) => Promise<Arrival>
}

/** What has come with a form. */
export interface ReceivedFile extends FormFile {
  readonly fields: ReadonlyMap<string, string>
  readonly arrival: Arrival
}

/** Beside a file there are some short fields. */
const LIMITS = { files: 1, fields: 50, fieldBytes: 4096 }
/** What is around a file. */
const AROUND_BYTES = 64 * 1024

/**
 * Receives a form whose file is taken as it arrives. Throws what `readMultipart` and `take` throw, `document_too_large`,
 * `document_empty`, and `invalid_value` for a form without the file; nothing of the file is left then.
 */
export async function receiveFile(c: GatewayContext, form: FileForm): Promise<ReceivedFile> {
  const { field, maxBytes, idleSeconds, expect, check, take } = form
  const fields = new Map<string, string>()
  const announced = Math.max(0, (announcedBytes(c.env.incoming) ?? 0) - AROUND_BYTES)
  await expect(announced)
  const received: ReceivedFile[] = []
  const limits = {
    ...LIMITS,
    fileBytes: maxBytes,
    tooLarge: () => tooLarge(field, maxBytes),
    fileField: field,
    idleSeconds,
  }
  try {
    await readMultipart(c, limits, {
      onField(name, value) {
        fields.set(name, value)
        check(fields)
      },
      async onFile(file, bytes) {
        if (file.field !== field) throw elsewhere(file.field, field)
        received.push({ ...file, fields, arrival: await take(bytes, announced) })
      },
    })
    const [found] = received
    if (found === undefined) throw missing(field)
    if (found.arrival.bytes === 0) throw new GatewayError('document_empty', 'The file has no bytes.', { param: field })
    return found
  } catch (error) {
    await received[0]?.arrival.discard()
    throw error
  }
}

function tooLarge(param: string, maxBytes: number): GatewayError {
  return new GatewayError('document_too_large', `The file is larger than ${maxBytes} bytes. Split it.`, { param })
}

function elsewhere(given: string, field: string): GatewayError {
  const message = `The form has a file in ${JSON.stringify(given.slice(0, 100))}. Send it in "${field}".`
  return new GatewayError('invalid_value', message, { param: field })
}

function missing(field: string): GatewayError {
  return new GatewayError('invalid_value', `The form has no file. Send it in "${field}".`, { param: field })
}
