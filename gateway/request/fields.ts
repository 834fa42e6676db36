import { GatewayError } from '../errors.ts'
import type { TaskPrompt } from '../profile/model-profile.ts'
import type { OcrModel } from '../profile/question.ts'
import {
  checkSchema,
  describeShape,
  propertiesOf,
  resolveNode,
  type FieldsWish,
  type SchemaNode,
} from './fields-schema.ts'
import type { OcrRequest } from './ocr-request.ts'
import type { OcrOptions, OptionNames } from './options.ts'

/** Returns the names that a model is asked for; none where a schema names none. */
export function fieldNames(fields: OcrOptions['fields']): string[] {
  if (fields === null) return []
  if (Array.isArray(fields)) return fields
  return Object.keys(propertiesOf(resolveNode(fields, fields)))
}

/** Says which names there are within those that a model is asked for; empty where nothing is known of that. */
export function shapeOf(fields: OcrOptions['fields']): string {
  return fields === null || Array.isArray(fields) ? '' : describeShape(fields)
}

/**
 * Returns what a task that extracts is to find, where its values are to be checked: against a schema, or for how sure the
 * model is of them. `userText` is what is sent in front of the task's own prompt. Throws `invalid_value` for a schema that is
 * too large or refers to another, and for a bound on another task.
 */
export function checkedFields(
  model: OcrModel,
  task: TaskPrompt,
  options: Pick<OcrOptions, 'fields' | 'minConfidence' | 'answerFormat'>,
  userText: string,
  names: OptionNames,
): Pick<OcrRequest, 'fields'> {
  const { fields, answerFormat } = options
  // A request that was kept before there was such an option has none.
  const minConfidence = options.minConfidence ?? null
  const { textForFields } = task
  if (textForFields === undefined) {
    if (minConfidence === null) return {}
    const message = `${names.minConfidence} is for the task "extract". Leave it out, or name that task and ${names.fields}.`
    throw new GatewayError('invalid_value', message, { param: names.minConfidence })
  }
  const schema = fields ?? answerFormat?.schema ?? null
  if (schema === null || (Array.isArray(schema) && minConfidence === null)) return {}
  const param = fields === null ? names.answerFormat : names.fields
  const isJoined = !Array.isArray(schema)
  if (isJoined) checkSchema(schema, param)
  const checked: SchemaNode = isJoined ? schema : { properties: Object.fromEntries(schema.map((name) => [name, {}])) }
  const askAgain: FieldsWish['askAgain'] = (wanted, failures) => {
    const properties = propertiesOf(resolveNode(checked, checked))
    const { $ref: _, ...rest } = checked
    const part = { ...rest, properties: Object.fromEntries(wanted.map((name) => [name, properties[name]])) }
    const text = textForFields(wanted, describeShape(part))
    if (!model.profile.freePrompt) return text
    return [userText, `${text} ${failures}`].filter((it) => it !== '').join('\n\n')
  }
  return { fields: { schema: checked, param, minConfidence, isJoined, askAgain } }
}
