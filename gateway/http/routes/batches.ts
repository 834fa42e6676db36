import { refuseLane } from '../../access/access.ts'
import { batchList, batchObject } from '../../answer/batch.ts'
import type { Batches } from '../../batch/batches.ts'
import { readBatchList, readBatchWishes } from '../../request/batch.ts'
import type { GatewayContext } from '../context.ts'
import { readJson, type BodyServices } from '../read-json.ts'
import { ownerOf } from './files.ts'

/** The services and limits of batches. */
export interface BatchServices extends BodyServices {
  readonly batches: Batches
}

const idOf = (c: GatewayContext): string => c.req.param('id') ?? ''

/** `POST /v1/batches`: has the requests of a stored file answered, while nobody waits. */
export function createBatch(services: BatchServices) {
  return async function createBatch(c: GatewayContext): Promise<Response> {
    refuseLane(c.get('caller'), 'batch')
    const { outline } = await readJson(c, services)
    return c.json(batchObject(await services.batches.create(readBatchWishes(outline), ownerOf(c), c.get('requestId'))))
  }
}

/** `GET /v1/batches`: lists the caller's batches, the newest first. */
export function listBatches({ batches }: BatchServices) {
  return async function listBatches(c: GatewayContext): Promise<Response> {
    const { after, limit } = readBatchList(new URL(c.req.url).searchParams)
    return c.json(batchList(await batches.list(ownerOf(c), after, limit)))
  }
}

/** `GET /v1/batches/{id}`: a batch as it is now. */
export function retrieveBatch({ batches }: BatchServices) {
  return async function retrieveBatch(c: GatewayContext): Promise<Response> {
    return c.json(batchObject(await batches.find(ownerOf(c), idOf(c))))
  }
}

/** `POST /v1/batches/{id}/cancel`: ends a batch; what is done of it is kept. */
export function cancelBatch({ batches }: BatchServices) {
  return async function cancelBatch(c: GatewayContext): Promise<Response> {
    return c.json(batchObject(await batches.cancel(ownerOf(c), idOf(c))))
  }
}
