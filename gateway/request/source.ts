import { inlineSource, type Source } from '../document/source.ts'
import { GatewayError } from '../errors.ts'
import type { DocumentPart } from './content-part.ts'
import type { RequestBody, RequestContext } from './context.ts'
import { decodeInline } from './data-url.ts'
import { jsonTextOf } from './json-text.ts'
import type { OcrOptions } from './options.ts'

/** Makes the source of a document. Throws what decodeInline throws, and `file_not_found` for the id of a stored file. */
export async function sourceOf(
  { data, isId, param, filename, mediaType }: DocumentPart,
  { password }: Pick<OcrOptions, 'password'>,
  { longText }: Pick<RequestBody, 'longText'>,
  { maxDocumentBytes }: Pick<RequestContext, 'maxDocumentBytes'>,
): Promise<Source> {
  if (isId) {
    const id = JSON.stringify(data.slice(0, 100))
    const message = `There is no file ${id}. Send the document itself, as a base64 data URL in "file_data".`
    throw new GatewayError('file_not_found', message, { param })
  }
  const inline = await decodeInline(longText(data) ?? jsonTextOf(data), param, maxDocumentBytes)
  return inlineSource(inline.bytes, {
    param,
    filename: filename ?? inline.filename,
    declaredMediaType: inline.mediaType ?? mediaType,
    password,
  })
}
