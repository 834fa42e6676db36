import type { DocumentField, DocumentFields } from '../ocr/fields/document-fields.ts'
import type { FieldObject, OcrObject } from '../wire/openai/ocr-object.ts'

/** Builds what the `ocr` object says of the values that were asked for; nothing where none were looked at. */
export function fieldObjects(
  read: DocumentFields | undefined,
): Pick<OcrObject, 'fields' | 'fields_valid' | 'fields_errors'> {
  if (read === undefined) return {}
  const { fields, isValid, problems } = read
  return {
    fields: Object.fromEntries([...fields].map(([name, field]) => [name, fieldObject(field)])),
    fields_valid: isValid,
    ...(problems.length === 0
      ? {}
      : { fields_errors: problems.map(({ pointer, message }) => ({ path: pointer, message })) }),
  }
}

function fieldObject({ status, value, normalized, page, confidence, reason }: DocumentField): FieldObject {
  return {
    status,
    value,
    normalized,
    page,
    // Rounded down: what is below a bound must not seem to be at it.
    confidence: confidence === null ? null : Math.floor(confidence * 1000) / 1000,
    ...(reason === null ? {} : { reason }),
  }
}
