import { GatewayError } from '../../errors.ts'
import type { OcrRequest } from '../../request/ocr-request.ts'
import type { FieldServices } from './page-fields.ts'

/** Throws `invalid_value` where what a request wants extracted is no JSON Schema, before anything is read. */
export async function expectSchema(
  { fields = null }: Pick<OcrRequest, 'fields'>,
  { schemas }: Pick<FieldServices, 'schemas'>,
  signal: AbortSignal,
): Promise<void> {
  if (fields === null || schemas === undefined) return
  const { schema, param } = fields
  const answer = await schemas.check(schema, null, signal)
  if (answer.kind === 'checked') return
  const problem = answer.kind === 'late' ? 'it takes too long to compile' : answer.message
  throw new GatewayError('invalid_value', `${param}: this JSON Schema cannot be used: ${problem}.`, { param })
}
