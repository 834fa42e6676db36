import { documentTooLarge } from '../request/data-url.ts'
import type { AttachedFile } from '../request/mistral.ts'
import type { Reservation } from '../schedule/byte-budget.ts'
import { shareLoop } from '../schedule/loop-share.ts'
import type { GatewayContext } from './context.ts'
import { createFormParser } from './form-parser.ts'
import { freeMemory } from '../request/body/free-memory.ts'
import { readBody } from './read-body.ts'
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
const LIMITS = { files: 1, fields: 100, fieldBytes: 1024 * 1024 }
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
  const files: AttachedFile[] = []
  const tooLarge = (field: string) => documentTooLarge(field, maxDocumentBytes)
  const parser = createFormParser(
    type,
    { ...LIMITS, fileBytes: maxDocumentBytes, tooLarge },
    {
      onField: (name, value) => fields.set(name, [...(fields.get(name) ?? []), value]),
      async onFile({ field: param, filename, mediaType }, stream) {
        let length = 0
        for await (const piece of stream as AsyncIterable<Buffer>) length += piece.copy(held, length)
        files.push({ param, filename, mediaType, bytes: held.subarray(0, length) })
      },
    },
  )
  try {
    for (let start = 0; start < bytes.length; start += STEP_BYTES) {
      await parser.write(bytes.subarray(start, start + STEP_BYTES))
      await shareLoop()
    }
    await parser.end()
  } catch (error) {
    // Nothing of it may look at the bytes any more.
    await parser.fail(error as Error)
    throw error
  }
  return { fields, file: files[0] ?? null }
}
