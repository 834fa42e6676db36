import { GatewayError } from '../errors.ts'
import type { ModelProfile, TaskPrompt } from '../profile/model-profile.ts'
import type { OcrModel } from '../profile/question.ts'
import { checkedFields, fieldNames, shapeOf } from './fields.ts'
import type { SchemaNode } from './fields-schema.ts'
import type { OcrRequest, Warning } from './ocr-request.ts'
import type { OcrOptions, OptionNames } from './options.ts'

const DEFAULT_TASK = 'document'

/** What is asked of a model, and what its client should know of that. */
export type ChosenTask = Pick<OcrRequest, 'task' | 'prompt' | 'answersJson' | 'fields' | 'warnings'>

/** The options that decide what is asked of the model. */
export type TaskOptions = Pick<OcrOptions, 'task' | 'fields' | 'minConfidence' | 'output' | 'answerFormat'>

/**
 * Chooses what is asked of the model: the task's own prompt, or the user's text where the model takes free prompts; for an
 * answer of a JSON schema, the fields of the schema, where the model has a task for that. A text that is not sent gives a
 * warning, and so does an answer that will not be what the client parses. Throws `invalid_value` for a task that the model
 * lacks.
 */
export function chooseTask(model: OcrModel, options: TaskOptions, userText: string, names: OptionNames): ChosenTask {
  const { profile } = model
  // Clients written after a model's own examples send an official prompt as text: it stands for its task.
  const official = Object.entries(profile.tasks).find(([, task]) => task.text !== null && task.text === userText)
  const extracting = official === undefined ? extraction(profile, options) : null
  const name = options.task ?? extracting?.task ?? official?.[0] ?? DEFAULT_TASK
  const task = Object.hasOwn(profile.tasks, name) ? profile.tasks[name] : undefined
  if (task === undefined) {
    throw new GatewayError(
      'invalid_value',
      `${model.id} has no task ${JSON.stringify(name)}. Its tasks are: ${Object.keys(profile.tasks).join(', ')}.`,
      { param: names.task },
    )
  }
  const isOwn = userText === '' || userText === task.text
  const isSent = !isOwn && options.task === null && profile.freePrompt
  const checked = checkedFields(model, task, options, isSent ? userText : '', names)
  const prompt = () => taskPrompt(name, task, extracting?.fields ?? options.fields, names)
  const answersJson = task.json === true
  if (isSent) {
    if (extracting === null) {
      return {
        task: name,
        prompt: userText,
        answersJson: false,
        ...checked,
        warnings: formatWarnings(model, options, false, names),
      }
    }
    return { task: name, prompt: `${userText}\n\n${prompt()}`, answersJson, ...checked, warnings: [] }
  }
  const isNamed = options.task !== null && profile.freePrompt
  return {
    task: name,
    prompt: prompt(),
    answersJson,
    ...checked,
    warnings: [
      ...(isOwn ? [] : [promptNotUsed(model, isNamed ? `${names.task} "${name}"` : null)]),
      ...formatWarnings(model, options, answersJson, names),
    ],
  }
}

const EXTRACT = 'extract'

/** Returns how a model is asked for JSON of the client's schema; null where it was not asked for, or cannot be. */
function extraction(
  profile: ModelProfile,
  { task, fields, output, answerFormat }: TaskOptions,
): { readonly task: string; readonly fields: SchemaNode } | null {
  if (fields !== null || output !== 'markdown' || profile.tasks[EXTRACT]?.textForFields === undefined) return null
  if (task !== null && task !== EXTRACT) return null
  const schema = answerFormat?.schema ?? null
  return schema === null || fieldNames(schema).length === 0 ? null : { task: EXTRACT, fields: schema }
}

/** `answersJson`: each page's answer is one JSON value. */
function formatWarnings(
  { id }: OcrModel,
  { output, answerFormat }: TaskOptions,
  answersJson: boolean,
  { answerFormat: param }: OptionNames,
): Warning[] {
  if (answerFormat === null || (answersJson && output === 'markdown')) return []
  // The object of pages is JSON, but of no schema except the gateway's own.
  if (output === 'json' && answerFormat.schema === null) return []
  const instead = output === 'json' ? 'the object of pages' : output === 'text' ? 'plain text' : 'Markdown'
  return [
    {
      code: 'response_format_ignored',
      message: `${param} was not sent to ${id}: the content is ${instead}, not JSON of the client's own. Leave it out, or name the task "${EXTRACT}" and its fields, where the model has it.`,
    },
  ]
}

function taskPrompt(
  name: string,
  task: TaskPrompt,
  fields: OcrOptions['fields'],
  { fields: param }: OptionNames,
): string | null {
  if (task.textForFields === undefined) {
    if (fields === null) return task.text
    throw new GatewayError('invalid_value', `${param} is for the task "extract"; the task here is "${name}".`, {
      param,
    })
  }
  const wanted = fieldNames(fields)
  if (wanted.length > 0) return task.textForFields(wanted, shapeOf(fields))
  throw new GatewayError(
    'invalid_value',
    `The task "${name}" needs ${param}: an array of field names, or a JSON schema with "properties".`,
    { param },
  )
}

/** `chosenTask` is the option that asked for a task by name, where the model would have taken the text otherwise. */
function promptNotUsed(model: OcrModel, chosenTask: string | null): Warning {
  const reason =
    chosenTask === null
      ? `${model.id} takes no prompt but its own`
      : `${chosenTask} was asked for, which has a prompt of its own`
  return { code: 'prompt_not_used', message: `The text of the messages was not sent to the model: ${reason}.` }
}
