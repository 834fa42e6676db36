import { GatewayError } from '../errors.ts'
import type { ServedModel } from '../profile/model-profile.ts'
import type { Upstreams } from './upstreams.ts'

/** The models that clients may name. */
export interface ModelList {
  /** What the upstreams serve, plus the embedded engine. */
  list(): readonly ServedModel[]
  /**
   * Returns the model of a name, `default` included. A name that nobody knows has the upstreams asked once more. Throws
   * `model_not_found`; `engine_unavailable` when an upstream that may serve it does not answer.
   */
  find(name: string, signal: AbortSignal): Promise<ServedModel>
  /** The models of these names alone; null: all. `default` is the first OCR model among them. */
  only(names: readonly string[] | null): ModelList
}

/** The alias for the first served OCR model. */
export const DEFAULT_MODEL = 'default'

/** An error is a sentence. */
const MAX_LISTED_MODELS = 50

/** Creates the list of models out of the upstreams and the embedded engine's model. */
export function createModelList(upstreams: Upstreams, embedded: ServedModel): ModelList {
  return listOf(upstreams, embedded, null)
}

function listOf(upstreams: Upstreams, embedded: ServedModel, names: readonly string[] | null): ModelList {
  const isListed = ({ id }: ServedModel): boolean => names === null || names.includes(id)
  const list = (): readonly ServedModel[] => [...upstreams.models(), embedded].filter(isListed)
  const known = (name: string): ServedModel | undefined => {
    if (name !== DEFAULT_MODEL) return list().find(({ id }) => id === name)
    return defaultModel(upstreams, embedded, names?.includes(DEFAULT_MODEL) === true ? () => true : isListed)
  }
  const self: ModelList = {
    list,
    async find(name, signal) {
      const model = known(name)
      if (model !== undefined) return model
      await upstreams.refresh(signal)
      signal.throwIfAborted()
      return known(name) ?? refuse(name, upstreams, list())
    },
    only: (named) => (named === null ? self : listOf(upstreams, embedded, named)),
  }
  return self
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

function refuse(name: string, upstreams: Upstreams, models: readonly ServedModel[]): never {
  const down = upstreams.status().filter(({ problem }) => problem !== null)
  if (down.length > 0) {
    throw new GatewayError(
      'engine_unavailable',
      `${name === DEFAULT_MODEL ? 'No OCR model' : `No model ${JSON.stringify(name.slice(0, 200))}`} is served now, and ${down.length === 1 ? 'an upstream does' : `${down.length} upstreams do`} not answer. See the gateway's /ready, or try again later.`,
      { param: 'model' },
    )
  }
  const ids = models.slice(0, MAX_LISTED_MODELS).map(({ id }) => id)
  const more = models.length > ids.length ? [`${models.length - ids.length} more (GET /v1/models)`] : []
  throw new GatewayError(
    'model_not_found',
    `There is no model ${JSON.stringify(name.slice(0, 200))}. The models are: ${[...ids, ...more, DEFAULT_MODEL].join(', ')}.`,
    { param: 'model' },
  )
}
