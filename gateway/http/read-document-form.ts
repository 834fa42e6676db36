import { Busboy, type BusboyHeaders } from '@fastify/busboy'
import { GatewayError } from '../errors.ts'
import { documentTooLarge } from '../request/data-url.ts'
import type { AttachedFile } from '../request/mistral.ts'
import type { Reservation } from '../schedule/byte-budget.ts'
import { shareLoop } from '../schedule/loop-share.ts'
import type { GatewayContext } from './context.ts'
import { freeMemory, readBody } from './read-body.ts'
import type { BodyServices } from './read-json.ts'

/** A form that holds one document, and options beside it. */
export interface DocumentForm {
  /** By their names; a field that came several times has its values in order. */
  readonly fields: ReadonlyMap<string, readonly string[]>
  /** Null where the form has no file. */
  readonly file: AttachedFile | null
  readonly reservation: Reservation
}

/** Tells whether a body is declared as a form with files. */
export function isForm(c: GatewayContext): boolean {
  return /^\s*multipart\/form-data\s*;/i.test(c.req.header('content-type') ?? '')
}

/** What options take beside a document. */
const LIMITS = { files: 1, fields: 100, parts: 101, fieldNameSize: 200, fieldSize: 1024 * 1024, headerPairs: 100 }
/** Parsed at a time. */
const STEP_BYTES = 1024 * 1024

/**
 * Reads a form whose file is one document. It is held in memory, as documents are that come in JSON. Throws what `readBody`
 * throws; `invalid_value` for a form that is broken, or has several files, and `document_too_large`.
 */
export async function readDocumentForm(
  c: GatewayContext,
  services: BodyServices & { readonly maxDocumentBytes: number },
): Promise<DocumentForm> {
  const { maxBodyBytes: maxBytes, bodyBudget: budget, bodyIdleSeconds: idleSeconds, maxDocumentBytes } = services
  const { bytes, reservation } = await readBody(c, { maxBytes, budget, idleSeconds, onBytes: () => {} })
  c.get('record').bytes = bytes.length
  try {
    return { ...(await parse(bytes, c.req.header('content-type') ?? '', maxDocumentBytes)), reservation }
  } finally {
    freeMemory(bytes)
  }
}

async function parse(
  bytes: Buffer,
  type: string,
  maxDocumentBytes: number,
): Promise<Omit<DocumentForm, 'reservation'>> {
  const fields = new Map<string, string[]>()
  // One copy, because the body is given back; memory that is not written to is not taken.
  const held = Buffer.allocUnsafeSlow(bytes.length)
  let length = 0
  let file: Omit<AttachedFile, 'bytes'> | null = null
  const parser = createParser(type, maxDocumentBytes)
  const parsed = Promise.withResolvers<void>()
  parser.on('file', (name, stream, filename, _, mediaType) => {
    file = { param: name, filename: filename ?? null, mediaType: mediaType ?? null }
    stream.on('data', (piece: Buffer) => (length += piece.copy(held, length)))
    stream.on('limit', () => parsed.reject(documentTooLarge(name, maxDocumentBytes)))
    stream.on('error', parsed.reject)
  })
  parser.on('field', (name, value, _, isCut) => {
    if (isCut) parsed.reject(broken(`its field ${JSON.stringify(name.slice(0, 100))} is too long`))
    fields.set(name, [...(fields.get(name) ?? []), value])
  })
  parser.on('filesLimit', () => parsed.reject(broken('it has several files; send one at a time')))
  for (const event of ['fieldsLimit', 'partsLimit'] as const) {
    parser.on(event, () => parsed.reject(broken('it has too many fields')))
  }
  parser.on('error', (cause) => parsed.reject(broken('it is no multipart form, or breaks off', cause)))
  parser.on('finish', () => parsed.resolve())
  // What is refused while the rest is still to be written is thrown below.
  parsed.promise.catch(() => {})
  for (let start = 0; start < bytes.length; start += STEP_BYTES) {
    parser.write(bytes.subarray(start, start + STEP_BYTES))
    await shareLoop()
  }
  parser.end()
  try {
    await parsed.promise
  } finally {
    // Nothing of it may look at the bytes any more.
    parser.destroy()
  }
  // An assignment within a callback is not seen by the compiler.
  const found = file as Omit<AttachedFile, 'bytes'> | null
  return { fields, file: found === null ? null : { ...found, bytes: held.subarray(0, length) } }
}

function createParser(type: string, maxDocumentBytes: number) {
  try {
    const headers: BusboyHeaders = { 'content-type': type }
    return new Busboy({ headers, limits: { ...LIMITS, fileSize: maxDocumentBytes } })
  } catch (cause) {
    throw broken('its Content-Type has no boundary', cause)
  }
}

function broken(problem: string, cause?: unknown): GatewayError {
  return new GatewayError(
    'invalid_value',
    `The form cannot be read: ${problem}. Send multipart/form-data with the document in "file", or JSON.`,
    { cause },
  )
}
