import { GatewayError } from '../errors.ts'
import type { OcrOptions } from '../wire/openai/chat-request.ts'
import type { TaskPrompt } from '../profile/model-profile.ts'
import type { OcrModel } from '../profile/question.ts'
import type { OcrRequest, Warning } from './ocr-request.ts'

const DEFAULT_TASK = 'document'

type ChosenTask = Pick<OcrRequest, 'task' | 'prompt' | 'answersJson' | 'warnings'>

/**
 * Chooses what is asked of the model: the task's own prompt, or the user's text where the model takes free prompts. A
 * text that cannot be used is not sent, and a warning says so. Throws `invalid_value` for a task that the model lacks.
 */
export function chooseTask(model: OcrModel, options: OcrOptions, userText: string): ChosenTask {
  const { profile } = model
  // A client that comes from a model's own examples sends an official prompt as text: that is naming its task.
  const official = Object.entries(profile.tasks).find(([, task]) => task.text !== null && task.text === userText)
  const name = options.task ?? official?.[0] ?? DEFAULT_TASK
  const task = Object.hasOwn(profile.tasks, name) ? profile.tasks[name] : undefined
  if (task === undefined) {
    throw new GatewayError(
      'invalid_value',
      `${model.id} has no task ${JSON.stringify(name)}. Its tasks are: ${Object.keys(profile.tasks).join(', ')}.`,
      { param: 'ocr.task' },
    )
  }
  const free = userText !== '' && userText !== task.text && options.task === undefined
  if (free && profile.freePrompt) return { task: name, prompt: userText, answersJson: false, warnings: [] }
  const ignored = userText !== '' && userText !== task.text
  return {
    task: name,
    prompt: taskPrompt(name, task, options.fields),
    answersJson: task.json === true,
    warnings: ignored ? [promptNotUsed(model, name, options.task !== undefined && profile.freePrompt)] : [],
  }
}

function taskPrompt(name: string, task: TaskPrompt, fields: OcrOptions['fields']): string | null {
  if (task.textForFields === undefined) {
    if (fields === undefined) return task.text
    throw new GatewayError('invalid_value', `ocr.fields is for the task "extract"; the task here is "${name}".`, {
      param: 'ocr.fields',
    })
  }
  const names = fieldNames(fields)
  if (names.length > 0) return task.textForFields(names)
  throw new GatewayError(
    'invalid_value',
    `The task "${name}" needs ocr.fields: an array of field names, or a JSON schema with "properties".`,
    { param: 'ocr.fields' },
  )
}

function fieldNames(fields: OcrOptions['fields']): string[] {
  if (fields === undefined) return []
  if (Array.isArray(fields)) return fields
  const { properties } = fields
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : []
}

function promptNotUsed(model: OcrModel, task: string, chosenByName: boolean): Warning {
  const reason = chosenByName
    ? `ocr.task "${task}" was asked for, which has a prompt of its own`
    : `${model.id} takes no prompt but its own`
  return { code: 'prompt_not_used', message: `The text of the messages was not sent to the model: ${reason}.` }
}
