import { GatewayError } from '../errors.ts'
import type { PageWarning } from '../page/page.ts'
import type { TargetSize } from '../page/target-size.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import { PageFailure } from '../read/guard/page-failure.ts'
import { isOfLayer, unread, type PageAnswer } from '../read/page-answer.ts'
import { movedPieces } from './fields/field-confidence.ts'
import { inOneNotation, type Notation } from './markdown/one-notation.ts'
import type { PageResult } from './page-event.ts'

/** Builds the result of a page that was answered: with clean text, and with an error if the answer does not count. */
export function answeredResult(answer: PageAnswer, request: OcrRequest): PageResult {
  const { cache, confidence } = request
  const { text, isLeft } = readableText(answer, request)
  const error = answerError(answer, text)
  return {
    ...answer,
    text,
    warnings: isLeft ? [...answer.warnings, LEFT] : answer.warnings,
    ...(answer.surePieces ? { surePieces: movedPieces(answer.surePieces, answer.text, text) } : {}),
    blocks: movedBlocks(answer, text),
    status: statusOf(answer, error),
    cache: cache === 'off' ? 'off' : answer.cache,
    confidence: confidence ? answer.confidence : null,
    error,
  }
}

/** Returns the size of the image that an answer's places are about; none where that was a tile. */
function seenSize({ width, height, isTiled }: PageAnswer): TargetSize | undefined {
  return isTiled || width === null || height === null ? undefined : { width, height }
}

/** Says where blocks stand in the clean text. */
function movedBlocks({ text, blocks }: PageAnswer, clean: string): PageAnswer['blocks'] {
  if (blocks === null) return null
  const before = text.indexOf(clean)
  if (before < 0) return null
  return before === 0 ? blocks : blocks.map((it) => ({ ...it, start: it.start - before, end: it.end - before }))
}

const LEFT: PageWarning = {
  code: 'left_as_written',
  message:
    "Tables in OTSL, or formulas, stand in this page's text as the model wrote them: it has too many of them, or is too long.",
}

/** Cleans an answer. What no vision model wrote as Markdown keeps its notation; the text layer is not cleaned either. */
function readableText(answer: PageAnswer, { model, task, answersJson }: OcrRequest): Notation {
  const { text, engine } = answer
  if (isOfLayer(answer)) return { text, isLeft: false }
  const clean = model.profile.clean(text, task, seenSize(answer))
  // Who asks for formulas alone wants the TeX as it is.
  if (engine !== 'vllm' || answersJson || task === 'formula') return { text: clean, isLeft: false }
  return inOneNotation(clean)
}

/** Builds the result of a page that could not be read or drawn. */
export function failedResult(error: GatewayError, request: OcrRequest): PageResult {
  const reasons = error instanceof PageFailure ? error.reasons : []
  return { ...unreadResult(request), status: 'failed', attempts: Math.max(1, reasons.length), reasons, error }
}

/** Builds the result of a page that was not read before the deadline. */
export function pendingResult(request: OcrRequest): PageResult {
  return { ...unreadResult(request), status: 'pending' }
}

function unreadResult({ model, cache }: OcrRequest): Omit<PageResult, 'status'> {
  return { ...unread(model.engine), cache: cache === 'off' ? 'off' : 'miss', error: null }
}

function statusOf({ blank, isFallback, attempts }: PageAnswer, error: GatewayError | null): PageResult['status'] {
  if (blank) return 'blank'
  if (error !== null) return 'failed'
  if (isFallback) return 'fallback'
  return attempts > 1 ? 'repaired' : 'ok'
}

function answerError({ finishReason, usage, blank, engine }: PageAnswer, text: string): GatewayError | null {
  if (blank) return null
  // Tesseract's empty answer to a picture without text is right; a vision model writes something about any page with
  // ink.
  if (finishReason === 'empty' || (finishReason === 'stop' && text === '' && engine === 'vllm')) {
    return new GatewayError(
      'engine_error',
      'The engine answered with nothing, though there is ink on the page. Try again.',
    )
  }
  if (finishReason === 'stop') return null
  if (finishReason === 'abort') {
    return new GatewayError(
      'engine_unavailable',
      'The OCR engine went away, or was put to sleep, before it had read this page whole. Try again in a few seconds.',
    )
  }
  return new GatewayError(
    'engine_error',
    `The engine did not read the page whole (finish_reason "${finishReason}", ${usage.completionTokens} tokens). Try again.`,
  )
}
