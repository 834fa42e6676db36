import { GatewayError } from '../errors.ts'
import { inlineSource, type Source } from '../document/source.ts'
import type { DocumentPart } from './content-part.ts'
import type { RequestBody, RequestContext } from './context.ts'
import { decodeInline, isElsewhere } from './data-url.ts'
import { jsonTextOf } from './json-text.ts'
import type { OcrOptions } from './options.ts'

/** Makes the source of a document. Throws what decodeInline throws, and what finding a document that is only named throws. */
export async function sourceOf(
  { data, isId, param, filename, mediaType }: DocumentPart,
  { password }: Pick<OcrOptions, 'password'>,
  { longText }: Pick<RequestBody, 'longText'>,
  { maxDocumentBytes, named }: Pick<RequestContext, 'maxDocumentBytes' | 'named'>,
): Promise<Source> {
  const facts = { param, filename, declaredMediaType: mediaType, password }
  if (isId) return named.stored(data, facts)
  if (isElsewhere(data)) {
    if (longText(data) !== null) throw addressTooLong(param)
    return named.at(data.trim(), facts)
  }
  const inline = await decodeInline(longText(data) ?? jsonTextOf(data), param, maxDocumentBytes)
  return inlineSource(inline.bytes, {
    param,
    filename: filename ?? inline.filename,
    declaredMediaType: inline.mediaType ?? mediaType,
    password,
  })
}

function addressTooLong(param: string): GatewayError {
  return new GatewayError('url_not_allowed', 'The address is longer than addresses are. Send the document itself.', {
    param,
  })
}
