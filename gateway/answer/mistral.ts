import { readerOf } from '../ocr/another-reading.ts'
import { isLarge, markedFigures, type Figure } from '../ocr/figures.ts'
import type { Ledger, LedgerPage } from '../ocr/ledger.ts'
import { findHyperlinks } from '../ocr/markdown/hyperlinks.ts'
import { readText } from '../ocr/output.ts'
import type { CutFigure } from '../ocr/page-event.ts'
import { dataUrl } from '../ocr/page-figures.ts'
import type { MistralAnswer } from '../request/mistral.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import { shareLoop } from '../schedule/loop-share.ts'
import type { MistralOcrResponse, OcrImage, OcrPage } from '../wire/mistral/ocr-response.ts'
import { documentAnnotation } from './annotation.ts'
import type { Reading } from './collect.ts'
import { fieldObjects } from './fields.ts'
import { laidOut } from './mistral-blocks.ts'
import { tableTaker } from './mistral-tables.ts'
import { ledgerLines, ocrObject } from './ocr-object.ts'
import { wholeWriter, type AnswerWriter } from './writer.ts'

/** What annotates the whole document: what was asked for, and what was read. */
export interface Annotation {
  readonly request: OcrRequest
  readonly reading: Reading
}

/** Creates the writer of the answer of `POST /v1/ocr`, which is one object. */
export function mistralWriter(request: OcrRequest, answer: MistralAnswer, annotation: Annotation | null): AnswerWriter {
  return wholeWriter((reading) => ocrResponse(reading, request, answer, annotation))
}

async function ocrResponse(
  { content, ledger }: Reading,
  request: OcrRequest,
  answer: MistralAnswer,
  annotation: Annotation | null,
): Promise<MistralOcrResponse> {
  const takeTables = tableTaker(request, answer)
  let imagesLeft = answer.imageLimit
  const pages: OcrPage[] = []
  for (const page of ledger.pages) {
    // Taking the tables out of two thousand pages takes seconds.
    await shareLoop()
    const text = readText(content.slice(page.start, page.end), page.page, page)
    const layout = laidOut(text, page, request, answer)
    const { markdown: pictures, images } = pictured(text, page, request, answer)
    const { markdown: whole, ...blocks } = layout ?? { markdown: pictures }
    const given = images.slice(0, imagesLeft)
    imagesLeft -= given.length
    const { markdown, tables } = takeTables(whole)
    pages.push({ ...ocrPage(page), ...blocks, markdown, images: given, tables, hyperlinks: findHyperlinks(whole) })
  }
  const warnings = [...ledger.warnings, ...annotationWarnings(annotation?.reading ?? null)]
  return {
    pages,
    model: request.model.id,
    document_annotation: annotation === null ? null : documentAnnotation(annotation.reading),
    usage_info: { pages_processed: ledger.pages.filter(isRead).length, doc_size_bytes: answer.documentBytes() },
    ocr: { ...ocrObject({ ...ledger, warnings }, request), ...annotationLedger(annotation) },
  }
}

/** Each page was read once more for the annotation, at an engine or out of the cache. */
function annotationLedger(annotation: Annotation | null): Pick<MistralOcrResponse['ocr'], 'annotation'> {
  if (annotation === null) return {}
  const { request, reading } = annotation
  const { ledger } = reading
  return { annotation: { task: request.task, pages: ledgerLines(ledger, request), ...fieldObjects(ledger.fields) } }
}

function annotationWarnings(annotation: Reading | null): Ledger['warnings'] {
  if (annotation === null) return []
  if (documentAnnotation(annotation) !== null) return annotation.ledger.warnings
  const warnings = annotation.ledger.warnings.filter(({ code }) => code !== 'response_format_ignored')
  const message = 'There is no document_annotation: the model was asked for JSON, and wrote something else.'
  return [...warnings, { code: 'response_format_ignored', message }]
}

const isRead = ({ status }: LedgerPage): boolean => status !== 'failed' && status !== 'pending'

/** Clients want a number; most of them take it for that of PDF, where a pixel of an image is a point. */
const IMAGE_DPI = 72

const PENDING = {
  code: 'engine_timeout',
  message: 'The page was not read in the time that the client waits. Ask again.',
}

function ocrPage(page: LedgerPage): Omit<OcrPage, 'markdown' | 'images' | 'tables' | 'hyperlinks'> {
  const { width, height, dpi, confidence, error, status } = page
  return {
    index: page.page - 1,
    header: page.header ?? null,
    footer: page.footer ?? null,
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

/**
 * Returns a page's Markdown and its pictures. What could not be read must not be indexed as if it stood on the page; a mark
 * of a picture is written as Mistral does: its name, which is the picture's id, without the numbers.
 */
function pictured(
  text: string,
  page: LedgerPage,
  request: OcrRequest,
  { imageMinSize, pictures: { inMarkdown, inImages } }: MistralAnswer,
): Pick<OcrPage, 'markdown' | 'images'> {
  if (request.output !== 'markdown') return { markdown: text, images: [] }
  const images: OcrImage[] = []
  let markdown = ''
  let end = 0
  for (const [index, figure] of markedFigures(text, page, readerOf(request, page)).entries()) {
    const id = figureId(figure.name, page.page)
    const cut = page.figures?.[index] ?? null
    markdown += `${text.slice(end, figure.start)}![${id}](${inMarkdown && cut !== null ? dataUrl(cut) : id})`
    end = figure.end
    if (isLarge(figure, imageMinSize)) images.push(ocrImage(id, figure.place, inImages ? cut : null))
  }
  return { markdown: markdown + text.slice(end), images }
}

/** A name that no other page has; most pictures were given one with the page's text. */
function figureId(name: string, page: number): string {
  const bare = name.replace(/\.[a-z]+$/i, '')
  return `${/^image_\d+$/.test(bare) ? `page-${page}-image-${bare.slice('image_'.length)}` : bare}.jpeg`
}

function ocrImage(id: string, { left, top, right, bottom }: Figure['place'], cut: CutFigure | null): OcrImage {
  return {
    id,
    top_left_x: left,
    top_left_y: top,
    bottom_right_x: right,
    bottom_right_y: bottom,
    image_base64: cut === null ? null : dataUrl(cut),
    image_annotation: null,
  }
}
