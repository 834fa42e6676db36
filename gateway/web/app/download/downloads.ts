import type { OcrObject } from '../../../wire/openai/ocr-object.ts'
export interface ReadResult {
  readonly name: string
  readonly markdown: string
  readonly ocr: OcrObject
}
export function asMarkdown(result: ReadResult): Blob {
  return new Blob([result.markdown])
}
export function asJson(result: ReadResult): Blob {
  return new Blob([JSON.stringify(result.ocr)])
}
export function asZip(result: ReadResult): Promise<Blob> {
  return Promise.resolve(asMarkdown(result))
}
