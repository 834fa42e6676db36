import type { OcrRequest } from '../request/ocr-request.ts'
import type { Span } from '../telemetry/span.ts'
import type { PageNumber, PageResult } from './page-event.ts'

/** Begins the span of a page. */
export function beginPageSpan({ span }: OcrRequest, { page, document, documentPage }: PageNumber): Span | undefined {
  return span?.child('ocr.page', {
    'ocr.page.number': page,
    'ocr.document.number': document,
    'ocr.document.page': documentPage,
  })
}

/** Ends the span of a page that was read, or could not be. */
export function endPageSpan(span: Span | undefined, result: PageResult): void {
  const { status, cache, attempts, engine, error, usage } = result
  span?.set({
    'ocr.page.status': status,
    'ocr.page.cache': cache,
    'ocr.page.attempts': attempts,
    'ocr.page.engine': engine,
    'gen_ai.usage.input_tokens': usage.promptTokens,
    'gen_ai.usage.output_tokens': usage.completionTokens,
  })
  span?.end(error?.code)
}
