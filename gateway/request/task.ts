import { GatewayError } from '../errors.ts'
import type { TaskPrompt } from '../profile/model-profile.ts'
import type { OcrModel } from '../profile/question.ts'
import type { OcrRequest, Warning } from './ocr-request.ts'
import type { OcrOptions, OptionNames } from './options.ts'

const DEFAULT_TASK = 'document'

type ChosenTask = Pick<OcrRequest, 'task' | 'prompt' | 'answersJson' | 'warnings'>

/**
 * Chooses what is asked of the model: the task's own prompt, or the user's text where the model takes free prompts. A
 * text that is not sent gives a warning. Throws `invalid_value` for a task that the model lacks.
 */
export function chooseTask(
  model: OcrModel,
  options: Pick<OcrOptions, 'task' | 'fields'>,
  userText: string,
  names: OptionNames,
): ChosenTask {
  const { profile } = model
  // Clients written after a model's own examples send an official prompt as text: it stands for its task.
  const official = Object.entries(profile.tasks).find(([, task]) => task.text !== null && task.text === userText)
  const name = options.task ?? official?.[0] ?? DEFAULT_TASK
  const task = Object.hasOwn(profile.tasks, name) ? profile.tasks[name] : undefined
  if (task === undefined) {
    throw new GatewayError(
      'invalid_value',
      `${model.id} has no task ${JSON.stringify(name)}. Its tasks are: ${Object.keys(profile.tasks).join(', ')}.`,
      { param: names.task },
    )
  }
  const free = userText !== '' && userText !== task.text && options.task === null
  if (free && profile.freePrompt) return { task: name, prompt: userText, answersJson: false, warnings: [] }
  const ignored = userText !== '' && userText !== task.text
  const isNamed = options.task !== null && profile.freePrompt
  return {
    task: name,
    prompt: taskPrompt(name, task, options.fields, names),
    answersJson: task.json === true,
    warnings: ignored ? [promptNotUsed(model, isNamed ? `${names.task} "${name}"` : null)] : [],
  }
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
  if (wanted.length > 0) return task.textForFields(wanted)
  throw new GatewayError(
    'invalid_value',
    `The task "${name}" needs ${param}: an array of field names, or a JSON schema with "properties".`,
    { param },
  )
}

function fieldNames(fields: OcrOptions['fields']): string[] {
  if (fields === null) return []
  if (Array.isArray(fields)) return fields
  const { properties } = fields
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : []
}

/** `chosenTask` is the option that asked for a task by name, where the model would have taken the text otherwise. */
function promptNotUsed(model: OcrModel, chosenTask: string | null): Warning {
  const reason =
    chosenTask === null
      ? `${model.id} takes no prompt but its own`
      : `${chosenTask} was asked for, which has a prompt of its own`
  return { code: 'prompt_not_used', message: `The text of the messages was not sent to the model: ${reason}.` }
}
