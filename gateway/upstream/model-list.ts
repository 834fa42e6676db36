import { GatewayError } from '../errors.ts'
import { AUTO_MODEL, type EasyRoute, type ServedModel } from '../profile/model-profile.ts'
import type { Upstreams } from './upstreams.ts'

/** The models that clients may name. */
export interface ModelList {
  /** What the upstreams serve, plus the embedded engine. */
  list(): readonly ServedModel[]
  /**
   * Returns the model of a name, `default` and `auto` included. A name that nobody knows has the upstreams asked once more.
   * Throws `model_not_found`; `engine_unavailable` when an upstream that may serve it does not answer; `forbidden` for `auto`
   * where its pages may go to a model that is not among these, and for such a model as the second one of a request.
   */
  find(name: string, signal: AbortSignal, second?: SecondModel): Promise<ServedModel>
  /**
   * Returns a model that may check another's answers: the one for hard pages, else another one that is served and has a profile
   * of its own; null where there is none.
   */
  findReferee(main: ServedModel, signal: AbortSignal): Promise<ServedModel | null>
  /** Whether `auto` stands for more than `default` does. */
  readonly routes: boolean
  /** The models of these names alone; null: all. `default` is the first OCR model among them. */
  only(names: readonly string[] | null): ModelList
}

/** A model that a request names beside its own. */
export interface SecondModel {
  /** The field that names it. */
  readonly param: string
}

/** How the pages of `auto` are routed. */
export interface RoutingOptions {
  /** Null: hard pages stay where they are. */
  readonly escalationModel: string | null
  readonly easyPages: readonly EasyRoute[]
}

/** The alias for the first served OCR model. */
export const DEFAULT_MODEL = 'default'

/** An error is a sentence. */
const MAX_LISTED_MODELS = 50

const NO_ROUTES: RoutingOptions = { escalationModel: null, easyPages: [] }

/** Creates the list of models out of the upstreams and the embedded engine's model. */
export function createModelList(
  upstreams: Upstreams,
  embedded: ServedModel,
  routing: RoutingOptions = NO_ROUTES,
): ModelList {
  return listOf({ upstreams, embedded, routing }, null)
}

/** What lists of models are made of. */
interface ListParts {
  readonly upstreams: Upstreams
  readonly embedded: ServedModel
  readonly routing: RoutingOptions
}

function listOf(parts: ListParts, names: readonly string[] | null): ModelList {
  const { upstreams, embedded, routing } = parts
  const all = (): readonly ServedModel[] => [...upstreams.models(), embedded]
  const isListed = ({ id }: ServedModel): boolean => names === null || names.includes(id)
  const list = (): readonly ServedModel[] => all().filter(isListed)
  const first = (alias: string) =>
    defaultModel(upstreams, embedded, names?.includes(alias) === true ? () => true : isListed)
  const known = (name: string): ServedModel | undefined => {
    if (name === DEFAULT_MODEL) return first(DEFAULT_MODEL)
    const served = list().find(({ id }) => id === name)
    return served ?? (name === AUTO_MODEL ? routed(first(AUTO_MODEL), parts, names) : undefined)
  }
  const self: ModelList = {
    list,
    routes: routing.escalationModel !== null || routing.easyPages.length > 0,
    async find(name, signal, second) {
      const model = known(name)
      if (model !== undefined) return model
      await upstreams.refresh(signal)
      signal.throwIfAborted()
      const later = known(name)
      if (later !== undefined) return later
      if (second !== undefined && all().some(({ id }) => id === name)) throw notAllowed(name, second.param)
      return refuse(name, upstreams, list(), second?.param)
    },
    async findReferee(main, signal) {
      const { escalationModel } = routing
      if (escalationModel !== null && escalationModel !== main.id) {
        return self.find(escalationModel, signal, { param: 'ocr.verify' })
      }
      const isOther = ({ id, profile }: ServedModel): boolean =>
        id !== main.id && profile !== null && profile.isGeneral !== true
      return upstreams.models().find((model) => isListed(model) && isOther(model)) ?? null
    },
    only: (named) => (named === null ? self : listOf(parts, named)),
  }
  return self
}

/**
 * Adds to a model where the pages of `auto` may go. Who may name `auto` may have its pages read by all of them; who may name some
 * models alone, and not `auto`, must not reach others by it.
 */
function routed(
  main: ServedModel | undefined,
  { upstreams, embedded, routing: { escalationModel, easyPages: easy } }: ListParts,
  names: readonly string[] | null,
): ServedModel | undefined {
  if (main === undefined) return undefined
  const reached = [
    ...(escalationModel === null ? [] : [escalationModel]),
    ...(easy.includes('tesseract') ? [embedded.id] : []),
  ]
  const forbidden = reached.find((id) => names !== null && !names.includes(AUTO_MODEL) && !names.includes(id))
  if (forbidden !== undefined) throw notAllowed(forbidden, 'model')
  const served = [...upstreams.models(), embedded].find(({ id }) => id === escalationModel)
  const escalation = escalationModel === main.id ? null : (served ?? escalationModel)
  return { ...main, auto: { easy, embedded, escalation } }
}

function notAllowed(name: string, param: string): GatewayError {
  const how =
    param === 'model'
      ? `Pages of "${AUTO_MODEL}" may go to ${JSON.stringify(name)}, which this key may not use. Name a model that it may use`
      : `This key may not use ${JSON.stringify(name.slice(0, 200))}. Name a model that it may use, or leave ${param} out`
  return new GatewayError('forbidden', `${how}.`, { param })
}

/**
 * A model with a profile of its own comes before one that merely might see images. The embedded engine stands in only
 * where every upstream has said what it serves: one that is down must not quietly turn into a lesser reading.
 */
function defaultModel(
  upstreams: Upstreams,
  embedded: ServedModel,
  isListed: (model: ServedModel) => boolean,
): ServedModel | undefined {
  const models = upstreams.models().filter((model) => model.profile !== null && isListed(model))
  const found = models.find(({ profile }) => profile?.isGeneral !== true) ?? models[0]
  if (found !== undefined) return found
  return isListed(embedded) && upstreams.status().every(({ problem }) => problem === null) ? embedded : undefined
}

function refuse(name: string, upstreams: Upstreams, models: readonly ServedModel[], param = 'model'): never {
  const down = upstreams.status().filter(({ problem }) => problem !== null)
  if (down.length > 0) {
    throw new GatewayError(
      'engine_unavailable',
      `${name === DEFAULT_MODEL || name === AUTO_MODEL ? 'No OCR model' : `No model ${JSON.stringify(name.slice(0, 200))}`} is served now, and ${down.length === 1 ? 'an upstream does' : `${down.length} upstreams do`} not answer. See the gateway's /ready, or try again later.`,
      { param },
    )
  }
  const ids = models.slice(0, MAX_LISTED_MODELS).map(({ id }) => id)
  const more = models.length > ids.length ? [`${models.length - ids.length} more (GET /v1/models)`] : []
  throw new GatewayError(
    'model_not_found',
    `There is no model ${JSON.stringify(name.slice(0, 200))}. The models are: ${[...ids, ...more, DEFAULT_MODEL].join(', ')}.`,
    { param },
  )
}
