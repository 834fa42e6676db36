import type { RequestContext, TextChats } from '../request/context.ts'
import type { ModelList } from '../upstream/model-list.ts'
import type { GatewayContext } from './context.ts'

/** The services and limits with which request bodies are read. */
export interface RequestServices {
  readonly models: ModelList
  readonly maxDocumentBytes: number
  readonly textChats: TextChats
}

/** Returns what decides how a request is read, beside its body, in any protocol. */
export function requestContext(c: GatewayContext, services: RequestServices): RequestContext {
  const { models, maxDocumentBytes, textChats } = services
  return {
    requestId: c.get('requestId'),
    key: c.get('record').key,
    patienceSeconds: patienceOf(c),
    maxDocumentBytes,
    textChats,
    findModel: (name) => models.find(name, c.req.raw.signal),
  }
}

/** Returns how long the client waits, in seconds, as the official clients send it; Python's sends a read timeout. */
function patienceOf(c: GatewayContext): number | null {
  const seconds = Number(c.req.header('x-stainless-timeout') ?? c.req.header('x-stainless-read-timeout') ?? '')
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null
}
