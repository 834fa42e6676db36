import { GatewayError } from '../errors.ts'
import { AUTO_MODEL, type ServedModel } from '../profile/model-profile.ts'
import type { OcrModel, Question } from '../profile/question.ts'
import type { RequestContext } from './context.ts'
import type { OtherQuestion, OtherReader, Routes } from './ocr-request.ts'
import type { OcrOptions, OptionNames } from './options.ts'
import { chooseTask, type ChosenTask, type TaskOptions } from './task.ts'

/** The models beside a request's own; null: none is wanted. */
export interface FoundModels {
  readonly fallback: FoundModel | null
  readonly referee: FoundModel | null
}

/** A model that a request names; null: no upstream serves it now. */
interface FoundModel {
  readonly id: string
  readonly model: OcrModel | null
}

const FALLBACK = 'ocr.fallback_model'
const VERIFY = 'ocr.verify'

/** Returns the name under which a client has asked, of a request that is read later: what `auto` stands for may have changed. */
export function namedModel(model: string, { isAuto }: Pick<OcrOptions, 'isAuto'>): string {
  return isAuto ? AUTO_MODEL : model
}

/**
 * Finds the models that a request names beside its own. One that is down is no error: its pages are as they would be without.
 * Throws `model_not_found`, `forbidden` and `invalid_value`, naming the field.
 */
export async function findOthers(
  main: OcrModel,
  { fallbackModel, verify }: Pick<OcrOptions, 'fallbackModel' | 'verify'>,
  { findModel, findReferee }: Pick<RequestContext, 'findModel' | 'findReferee'>,
): Promise<FoundModels> {
  const named = (name: string, param: string) => unlessDown(name, main, param, () => findModel(name, { param }))
  const fallback = fallbackModel == null ? null : await named(fallbackModel, FALLBACK)
  if (verify == null || verify === false) return { fallback, referee: null }
  if (verify !== true) return { fallback, referee: await named(verify, VERIFY) }
  const found = await findReferee?.(main)
  if (found == null) throw noReferee(main)
  return { fallback, referee: { id: found.id, model: ocrModel(found, VERIFY) } }
}

async function unlessDown(
  name: string,
  main: OcrModel,
  param: string,
  find: () => Promise<ServedModel>,
): Promise<FoundModel> {
  try {
    const found = ocrModel(await find(), param)
    if (found.id === main.id) throw sameModel(main, param)
    return { id: found.id, model: found }
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'engine_unavailable') return { id: name, model: null }
    throw error
  }
}

function ocrModel(model: ServedModel, param: string): OcrModel {
  if (model.profile !== null) return { ...model, profile: model.profile }
  throw new GatewayError(
    'invalid_value',
    `${model.id} is no OCR model here. Name one that is, or leave ${param} out.`,
    {
      param,
    },
  )
}

function sameModel({ id }: OcrModel, param: string): GatewayError {
  const message = `${param} names ${id}, which reads the pages already. Name another model, or leave it out.`
  return new GatewayError('invalid_value', message, { param })
}

function noReferee({ id }: OcrModel): GatewayError {
  const message = `No other OCR model than ${id} is served now that could check its pages. Name one in ${VERIFY}, or leave it out.`
  return new GatewayError('invalid_value', message, { param: VERIFY })
}

/** What a request asks of its own model, and what it was chosen from. */
interface MainQuestion {
  readonly model: OcrModel
  readonly chosen: Pick<ChosenTask, 'task' | 'prompt'>
  readonly options: TaskOptions & Pick<OcrOptions, 'confidence'>
  readonly userText: string
  readonly names: OptionNames
}

/**
 * Returns which other models read pages of a request, and what each is asked; null: none. Throws `invalid_value` for a model that
 * the request names and that cannot be asked the same.
 */
export function routesOf(main: MainQuestion, found: FoundModels): Routes | null {
  const { model } = main
  const wanted = (other: FoundModel, param: string): OtherReader => {
    if (other.model === null) return { id: other.id, question: null }
    const question = sameQuestion(other.model, main)
    if (question === null) throw cannotAsk(other.id, main, param)
    return { id: other.id, question }
  }
  const fallback = found.fallback === null ? escalation(main) : wanted(found.fallback, FALLBACK)
  const referee = found.referee === null ? null : wanted(found.referee, VERIFY)
  const easy = easyRoutes(main)
  if (fallback === null && referee === null && easy === null && model.auto === undefined) return null
  return { fallback, isEscalation: found.fallback === null, referee, easy }
}

/** Where hard pages of `auto` go; null: nowhere. */
function escalation(main: MainQuestion): OtherReader | null {
  const escalated = main.model.auto?.escalation ?? null
  if (escalated === null) return null
  if (typeof escalated === 'string') return { id: escalated, question: null }
  const { profile } = escalated
  const question = profile === null ? null : sameQuestion({ ...escalated, profile }, main)
  return question === null ? null : { id: escalated.id, question }
}

/** How easy pages of `auto` may be answered; null: like any other. Only where the page's text is what is asked for. */
function easyRoutes({ model, chosen: { task, prompt }, options }: MainQuestion): Routes['easy'] {
  const { easy = [], embedded } = model.auto ?? {}
  const isOwnPrompt = prompt === model.profile.tasks[task]?.text
  const asksForText = isOwnPrompt && (task === 'document' || task === 'text')
  if (easy.length === 0 || !asksForText || model.engine === 'tesseract') return null
  const profile = embedded?.profile ?? null
  const mayAsk = easy.includes('tesseract') && embedded !== undefined && profile !== null
  const tesseract: Question | null = mayAsk
    ? {
        model: { ...embedded, profile },
        task,
        prompt: profile.tasks[task]?.text ?? null,
        confidence: options.confidence,
      }
    : null
  return { textLayer: easy.includes('text-layer'), tesseract }
}

/** Returns what asks another model for the same; null where it cannot be asked. */
function sameQuestion(
  other: OcrModel,
  { model, chosen, options, userText, names }: MainQuestion,
): OtherQuestion | null {
  const { task, prompt } = chosen
  const isOwnPrompt = prompt === model.profile.tasks[task]?.text || userText === '' || !model.profile.freePrompt
  const isClients = !isOwnPrompt && options.task === null
  if (isClients && !other.profile.freePrompt) return null
  if (!Object.hasOwn(other.profile.tasks, task)) return null
  const {
    task: same,
    prompt: asked,
    fields = null,
  } = chooseTask(other, { ...options, task: isClients ? null : task }, isClients ? userText : '', names)
  return { model: other, task: same, prompt: asked, confidence: options.confidence, fields }
}

function cannotAsk(id: string, { model, chosen }: MainQuestion, param: string): GatewayError {
  const message = `${id} cannot be asked what ${model.id} is: it has no task ${JSON.stringify(chosen.task)}, or takes no prompt of the client's own. Name another model, or leave ${param} out.`
  return new GatewayError('invalid_value', message, { param })
}
