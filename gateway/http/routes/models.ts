import { modelEntry, modelList, type NamedModel } from '../../answer/models.ts'
import { GatewayError } from '../../errors.ts'
import { DEFAULT_MODEL, type ModelList } from '../../upstream/model-list.ts'
import type { GatewayContext } from '../context.ts'
import { modelsOf } from '../request-context.ts'

/** `GET /v1/models`: what the upstreams serve, the embedded engine, and the alias `default`. */
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
  const listed = models.list().map((model) => ({ name: model.id, model }))
  // With every upstream down the alias stands for no model; the rest of the list is still right.
  const alias = await models.find(DEFAULT_MODEL, signal).catch((error: unknown) => {
    if (error instanceof GatewayError) return null
    throw error
  })
  return alias === null ? listed : [...listed, { name: DEFAULT_MODEL, model: alias }]
}
