import type { Caller } from '../access/caller.ts'
import { GatewayError } from '../errors.ts'
import type { NamedDocuments, RequestContext, TextChats } from '../request/context.ts'
import type { ModelList } from '../upstream/model-list.ts'
import type { GatewayContext } from './context.ts'

/** The services and limits with which request bodies are read. */
export interface RequestServices {
  readonly models: ModelList
  readonly maxDocumentBytes: number
  readonly textChats: TextChats
  /** Documents that a request of a key may name. */
  readonly named: (key: string | null) => NamedDocuments
}

/** Returns what decides how a request is read, beside its body, in any protocol. */
export function requestContext(c: GatewayContext, services: RequestServices): RequestContext {
  const { models, maxDocumentBytes, textChats } = services
  return {
    requestId: c.get('requestId'),
    span: c.get('span'),
    key: c.get('record').key,
    patienceSeconds: patienceOf(c),
    onDisconnect: onDisconnectOf(c),
    maxDocumentBytes,
    textChats,
    named: services.named(c.get('record').key),
    findModel: (name, second) => modelsOf(c.get('caller'), models).find(name, c.req.raw.signal, second),
    findReferee: (main) => modelsOf(c.get('caller'), models).findReferee(main, c.req.raw.signal),
  }
}

/** Returns the models that a caller may name. */
export function modelsOf(caller: Caller | null, models: ModelList): ModelList {
  return models.only(caller?.models ?? null)
}

/** Nobody waits longer, and no timer runs longer: what says so is no time limit. In seconds. */
const MAX_PATIENCE = 1_000_000

/** Returns how long the client waits, in seconds, as the official clients send it; Python's sends a read timeout. */
function patienceOf(c: GatewayContext): number | null {
  return secondsOf(c.req.header('x-stainless-timeout')) ?? secondsOf(c.req.header('x-stainless-read-timeout'))
}

/** A client that will send its request again, if it has to leave, says `finish`. */
function onDisconnectOf(c: GatewayContext): 'abort' | 'finish' {
  const wish = c.req.header(ON_DISCONNECT) ?? 'abort'
  if (wish === 'abort' || wish === 'finish') return wish
  const message = `The header ${ON_DISCONNECT} must be "abort" or "finish", what becomes of the pages that an engine is reading when the client leaves.`
  throw new GatewayError('invalid_value', message, { param: ON_DISCONNECT })
}

const ON_DISCONNECT = 'x-ocr-on-disconnect'

/** Returns null for what is no number of seconds: `NOT_GIVEN`, `0`, `-1`, `1e300`. */
function secondsOf(text: string | undefined): number | null {
  if (text === undefined || !/^\d{1,9}(\.\d+)?$/.test(text)) return null
  const seconds = Number(text)
  return seconds > 0 && seconds <= MAX_PATIENCE ? seconds : null
}
