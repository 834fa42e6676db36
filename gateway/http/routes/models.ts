import { DEFAULT_MODEL, type ModelList } from '../../upstream/model-list.ts'
import { GatewayError } from '../../errors.ts'
import { modelList, type ModelEntry } from '../../wire/openai/models.ts'
import type { ServedModel } from '../../profile/model-profile.ts'
import type { GatewayContext } from '../context.ts'

/** `GET /v1/models`: what the upstreams serve, the embedded engine, and the alias `default`. */
export function listModels(models: ModelList) {
  return async function listModels(c: GatewayContext): Promise<Response> {
    return c.json(modelList(await entries(models, c.req.raw.signal)))
  }
}

/** `GET /v1/models/{id}`; served names may hold slashes, escaped or not. */
export function retrieveModel(models: ModelList) {
  return async function retrieveModel(c: GatewayContext): Promise<Response> {
    const id = c.req.param('id') ?? ''
    const model = await models.find(id, c.req.raw.signal)
    return c.json(entry(model, id))
  }
}

async function entries(models: ModelList, signal: AbortSignal): Promise<ModelEntry[]> {
  const listed = models.list().map((model) => entry(model, model.id))
  // With every upstream down there is nothing for the alias to stand for; the rest of the list is still true.
  const alias = await models.find(DEFAULT_MODEL, signal).catch((error: unknown) => {
    if (error instanceof GatewayError) return null
    throw error
  })
  return alias === null ? listed : [...listed, entry(alias, DEFAULT_MODEL)]
}

function entry({ root, parent, created, ownedBy, maxModelLen, engine }: ServedModel, id: string): ModelEntry {
  const maxLength = engine === 'vllm' ? maxModelLen : null
  return { id, object: 'model', created, owned_by: ownedBy, root, parent, max_model_len: maxLength }
}
