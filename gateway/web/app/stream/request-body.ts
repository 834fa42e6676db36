/** A document in a request: its bytes, or the id under which the gateway has them. */
export type SentDocument =
  | { readonly name: string; readonly base64: string; readonly mediaType: string }
  | { readonly name: string; readonly fileId: string }

/** What the gateway is asked. */
export interface Question {
  readonly model: string
  readonly document: SentDocument
  readonly ocr: Readonly<Record<string, unknown>>
}

/**
 * Writes the body of a request. The document is not copied into a string with the rest: a file of some megabytes would
 * stop the tab for a moment.
 */
export function requestBody({ model, document, ocr }: Question): Blob {
  const mark = '\u0000document\u0000'
  const file = 'fileId' in document ? { file_id: document.fileId } : { filename: document.name, file_data: mark }
  const body = JSON.stringify({
    model,
    stream: true,
    messages: [{ role: 'user', content: [{ type: 'file', file }] }],
    ocr,
  })
  if ('fileId' in document) return new Blob([body])
  const [before = '', after = ''] = body.split(JSON.stringify(mark).slice(1, -1))
  return new Blob([before, `data:${document.mediaType};base64,`, document.base64, after])
}
