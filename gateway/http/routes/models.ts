import { modelEntry, modelList, type NamedModel } from '../../answer/models.ts'
import { GatewayError } from '../../errors.ts'
import { AUTO_MODEL } from '../../profile/model-profile.ts'
import { DEFAULT_MODEL, type ModelList } from '../../upstream/model-list.ts'
import type { GatewayContext } from '../context.ts'
import { modelsOf } from '../request-context.ts'

/** `GET /v1/models`: what the upstreams serve, the embedded engine, and the aliases `default` and, where pages are routed, `auto`. */
export function listModels(models: ModelList) {
  return async function listModels(c: GatewayContext): Promise<Response> {
    return c.json(modelList(await namedModels(modelsOf(c.get('caller'), models), c.req.raw.signal)))
  }
}

/** `GET /v1/models/{id}`; served names may hold slashes, escaped or not. */
export function retrieveModel(models: ModelList) {
  return async function retrieveModel(c: GatewayContext): Promise<Response> {
    const name = c.req.param('id') ?? ''
    const model = await modelsOf(c.get('caller'), models).find(name, c.req.raw.signal)
    return c.json(modelEntry({ name, model }))
  }
}

async function namedModels(models: ModelList, signal: AbortSignal): Promise<NamedModel[]> {
  const named = models.list().map((model) => ({ name: model.id, model }))
  for (const alias of models.routes ? [DEFAULT_MODEL, AUTO_MODEL] : [DEFAULT_MODEL]) {
    // With every upstream down an alias stands for no model; the rest of the list is still right.
    const model = await models.find(alias, signal).catch((error: unknown) => {
      if (error instanceof GatewayError) return null
      throw error
    })
    if (model !== null && !named.some(({ name }) => name === alias)) named.push({ name: alias, model })
  }
  return named
}
