import type { RequestContext } from '../request/context.ts'
import type { ModelList } from '../upstream/model-list.ts'
import type { GatewayContext } from './context.ts'

/** What reading a request needs of the gateway. */
export interface ReadServices {
  readonly models: ModelList
  readonly maxDocumentBytes: number
}

/** Returns what reading a request needs beside its body, whichever protocol it came by. */
export function requestContext(c: GatewayContext, { models, maxDocumentBytes }: ReadServices): RequestContext {
  return {
    requestId: c.get('requestId'),
    key: c.get('record').key,
    patienceSeconds: patienceOf(c),
    maxDocumentBytes,
    findModel: (name) => models.find(name, c.req.raw.signal),
  }
}

/** How long the official clients say they wait, in seconds; Python's calls it a read time-out. */
function patienceOf(c: GatewayContext): number | null {
  const seconds = Number(c.req.header('x-stainless-timeout') ?? c.req.header('x-stainless-read-timeout') ?? '')
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null
}
