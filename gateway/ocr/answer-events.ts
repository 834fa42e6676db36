import type { OcrRequest } from '../request/ocr-request.ts'
import { dryRun } from './dry-run.ts'
import { ocr, type OcrServices } from './ocr.ts'
import { stitch, type StitchEvent } from './stitch.ts'

/** What answers are written from: the opened documents, the pieces of the content, and the ledger at the end. */
export type AnswerEvents = AsyncGenerator<StitchEvent, void, undefined>

/** Reads the documents of a request, or only looks at them where it is a dry run. */
export function answerEvents(request: OcrRequest, services: OcrServices, signal: AbortSignal): AnswerEvents {
  return request.dryRun ? dryRun(request, services, signal) : stitch(ocr(request, services, signal), request)
}
