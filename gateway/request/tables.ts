import type { OcrRequest, Warning } from './ocr-request.ts'

/** Says that a client's wish for tables has no effect, where the answer has none. */
export function ignoredTables(
  tables: OcrRequest['tables'],
  { task, answersJson, output }: Pick<OcrRequest, 'task' | 'answersJson' | 'output'>,
): Warning[] {
  // Responses that were kept by an earlier version have no such option.
  if (tables === null || tables === undefined) return []
  const why = answersJson
    ? `the task "${task}" answers with JSON`
    : output === 'text'
      ? 'plain text has no tables'
      : null
  if (why === null) return []
  return [{ code: 'option_ignored', message: `The option had no effect: ocr.tables "${tables}": ${why}.` }]
}
