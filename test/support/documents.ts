import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ChatCompletionContentPart } from 'openai/resources'

const fixtures = join(import.meta.dirname, '../fixtures/documents')

/** Reads a document that the project keeps itself. */
export function readFixture(name: string): Buffer {
  return readFileSync(join(fixtures, name))
}

/** Makes a `file` part, as a data URL. */
export function filePart(bytes: Uint8Array, mediaType = 'application/pdf'): ChatCompletionContentPart {
  return { type: 'file', file: { filename: 'document.pdf', file_data: dataUrl(bytes, mediaType) } }
}

/** Makes an `image_url` part. */
export function imagePart(bytes: Uint8Array, mediaType = 'image/png'): ChatCompletionContentPart {
  return { type: 'image_url', image_url: { url: dataUrl(bytes, mediaType) } }
}

/** Writes bytes as a data URL. */
export function dataUrl(bytes: Uint8Array, mediaType: string): string {
  return `data:${mediaType};base64,${Buffer.from(bytes).toString('base64')}`
}
