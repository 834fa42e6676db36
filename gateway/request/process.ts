import { createHash } from 'node:crypto'
import { inlineSource } from '../document/source.ts'
import { shareLoop } from '../schedule/loop-share.ts'
import type { RequestContext } from './context.ts'
import { createRequest } from './create-request.ts'
import { ocrModel } from './mistral.ts'
import { ocrObjectNames } from './ocr-object.ts'
import type { OcrRequest } from './ocr-request.ts'
import { completeOptions } from './options.ts'
import { decodeText, type DecodedText } from './plain-text.ts'

/** A file as `PUT /process` brings it. */
export interface UploadedFile {
  readonly bytes: Uint8Array
  /** As the headers say it; both may be missing, and wrong. */
  readonly name: string | undefined
  readonly mediaType: string | undefined
}

/** What is known of the file before it is read. */
export interface FileFacts {
  readonly name: string | null
  readonly bytes: number
}

/** What `PUT /process` asks for: a document to be read, or a text to be given back. */
export type ProcessQuestion =
  | { readonly kind: 'ocr'; readonly request: OcrRequest; readonly file: FileFacts }
  | { readonly kind: 'text'; readonly text: DecodedText; readonly sha256: string; readonly file: FileFacts }

/** Reads the file of `PUT /process`. Throws what finding the model throws. */
export async function readProcess(
  { bytes, name, mediaType }: UploadedFile,
  context: RequestContext,
): Promise<ProcessQuestion> {
  const filename = name === undefined ? null : unescaped(name)
  const file = { name: filename, bytes: bytes.length }
  const text = await decodeText(bytes, filename)
  if (text !== null) return { kind: 'text', text, sha256: await sha256Of(bytes), file }
  const source = inlineSource(bytes, {
    param: 'body',
    filename,
    declaredMediaType: mediaType ?? null,
    password: null,
  })
  // The text is indexed: marks of pictures that nobody can fetch would be found as words.
  const options = completeOptions({ patienceSeconds: context.patienceSeconds, figures: 'drop' }, ocrObjectNames)
  const model = await ocrModel('', context, () => false)
  const request = createRequest({ model, sources: [source], userText: '', options, names: ocrObjectNames }, context)
  return { kind: 'ocr', request, file }
}

/** Takes some milliseconds. */
const STEP_BYTES = 4 * 1024 * 1024

async function sha256Of(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256')
  for (let start = 0; start < bytes.length; start += STEP_BYTES) {
    hash.update(bytes.subarray(start, start + STEP_BYTES))
    await shareLoop()
  }
  return hash.digest('hex')
}

/** Open WebUI escapes names; others may send them as they are. */
function unescaped(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
