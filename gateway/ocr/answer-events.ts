import type { OcrRequest } from '../request/ocr-request.ts'
import { dryRun } from './dry-run.ts'
import { readFields } from './fields/document-fields.ts'
import { ocr, type OcrServices } from './ocr.ts'
import { stitch, type ReadFieldsOf, type StitchEvent } from './stitch.ts'

/**
 * What answers are written from: the opened documents, the pieces of the content, and the ledger at the end. What comes together is
 * one list; the documents come alone.
 */
export type AnswerEvents = AsyncGenerator<readonly StitchEvent[], void, undefined>

/** Reads the documents of a request, or only looks at them where it is a dry run. */
export function answerEvents(request: OcrRequest, services: OcrServices, signal: AbortSignal): AnswerEvents {
  if (request.dryRun) return dryRun(request, services, signal)
  const { fields = null } = request
  const { schemas } = services
  const fieldsOf: ReadFieldsOf = async (answers) =>
    fields === null || schemas === undefined ? null : readFields(answers, fields, schemas, signal)
  return stitch(ocr(request, services, signal), request, fieldsOf)
}
