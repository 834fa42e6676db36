import type { Source } from '../document/source.ts'
import { GatewayError } from '../errors.ts'
import type { OcrModel } from '../profile/question.ts'
import type { MistralOcrRequest } from '../wire/mistral/ocr-request.ts'
import type { FoundModels } from './routes.ts'

/** What the body calls the schema of an annotation. */
export const DOCUMENT_FORMAT = 'document_annotation_format'

/**
 * Returns the JSON schema that the whole document is to be annotated with; null where none is asked for. Throws
 * `invalid_value` for what no model here can do: who asks for structured data parses the answer, and nothing else in it is of
 * use without.
 */
export function annotationSchema(asked: MistralOcrRequest, model: OcrModel): Record<string, unknown> | null {
  if (isOfJson(asked.bbox_annotation_format)) {
    throw refused('bbox_annotation_format', 'pictures are not annotated here. Leave it out')
  }
  const format = asked[DOCUMENT_FORMAT]
  if (!isOfJson(format)) return null
  if (!extracts(model)) {
    throw refused(
      DOCUMENT_FORMAT,
      `${model.id} cannot extract fields. Leave it out, or name a model with the task "extract"`,
    )
  }
  const schema = format?.json_schema?.schema ?? format?.json_schema?.schema_definition ?? null
  if (format?.type === 'json_schema' && schema !== null && hasProperties(schema)) return schema
  throw refused(DOCUMENT_FORMAT, 'it needs the type "json_schema", and a schema with "properties"')
}

function isOfJson(format: MistralOcrRequest['document_annotation_format']): boolean {
  return (format?.type ?? 'text') !== 'text'
}

function hasProperties({ properties }: Readonly<Record<string, unknown>>): boolean {
  return typeof properties === 'object' && properties !== null && Object.keys(properties).length > 0
}

function refused(param: string, problem: string): GatewayError {
  return new GatewayError('invalid_value', `${param}: ${problem}.`, { param })
}

/**
 * Returns those of the other models that can be asked for the annotation that a model is asked for; the pages' text may be read by
 * any of them.
 */
export function extractors(
  { fallback, referee }: FoundModels,
  { document_annotation_prompt: prompt }: Pick<MistralOcrRequest, 'document_annotation_prompt'>,
  { profile: own }: OcrModel,
): FoundModels {
  const isPrompted = own.freePrompt && (prompt ?? '').trim() !== ''
  const orNone = (found: FoundModels['fallback']): FoundModels['fallback'] => {
    const model = found?.model ?? null
    return model === null || (extracts(model) && (!isPrompted || model.profile.freePrompt)) ? found : null
  }
  return { fallback: orNone(fallback), referee: orNone(referee) }
}

const extracts = ({ profile }: OcrModel): boolean => profile.tasks['extract']?.textForFields !== undefined

/** Returns two sources of one document, which is got once unless it is kept elsewhere; each can be opened once. */
export function openedTwice(source: Source): readonly [Source, Source] {
  const held: Uint8Array[] = []
  const open: Source['open'] = async (signal) => {
    const kept = held.pop()
    if (kept !== undefined) return kept
    const content = await source.open(signal)
    if (content instanceof Uint8Array) held.push(content.slice())
    return content
  }
  return [
    { ...source, open },
    { ...source, open },
  ]
}
