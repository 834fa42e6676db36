import type { LedgerPage } from '../ocr/ledger.ts'
import { readText } from '../ocr/output.ts'
import type { MistralAnswer } from '../request/mistral.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { MistralOcrResponse, OcrPage } from '../wire/mistral/ocr-response.ts'
import type { Reading } from './collect.ts'
import { ocrObject } from './ocr-object.ts'
import { wholeWriter, type AnswerWriter } from './writer.ts'

/** Creates the writer of the answer of `POST /v1/ocr`, which is one object. */
export function mistralWriter(request: OcrRequest, answer: MistralAnswer): AnswerWriter {
  return wholeWriter((reading) => ocrResponse(reading, request, answer))
}

function ocrResponse(
  { content, ledger }: Reading,
  request: OcrRequest,
  { documentBytes }: MistralAnswer,
): MistralOcrResponse {
  return {
    pages: ledger.pages.map((page) => ocrPage(page, content)),
    model: request.model.id,
    document_annotation: null,
    usage_info: { pages_processed: ledger.pages.filter(isRead).length, doc_size_bytes: documentBytes() },
    ocr: ocrObject(ledger, request),
  }
}

const isRead = ({ status }: LedgerPage): boolean => status !== 'failed' && status !== 'pending'

/** The clients of images want a number, and most of them take it for that of PDF: a pixel for each point. */
const IMAGE_DPI = 72

function ocrPage(page: LedgerPage, content: string): OcrPage {
  const { width, height, dpi, confidence, error, status } = page
  return {
    index: page.page - 1,
    // What could not be read must not be indexed as if it stood on the page.
    markdown: readText(content.slice(page.start, page.end), page.page, page),
    images: [],
    tables: [],
    hyperlinks: [],
    header: null,
    footer: null,
    dimensions: width === null || height === null ? null : { dpi: dpi ?? IMAGE_DPI, height, width },
    confidence_scores:
      confidence === null
        ? null
        : { average_page_confidence_score: confidence.mean, minimum_page_confidence_score: confidence.lowest },
    blocks: null,
    ...(error === null ? {} : { error: { code: error.code, message: error.message } }),
    ...(status === 'pending' ? { error: PENDING } : {}),
  }
}

const PENDING = {
  code: 'engine_timeout',
  message: 'The page was not read in the time that the client waits. Ask again.',
}
