import { inputItems } from '../answer/input-items.ts'
import type { ResponseHead } from '../answer/response.ts'
import type { Source } from '../document/source.ts'
import { GatewayError } from '../errors.ts'
import type { Message } from '../request/conversation.ts'
import type { RequestParts } from '../request/create-request.ts'
import type { Log } from '../telemetry/log.ts'
import type { ResponseObject } from '../wire/openai/response.ts'
import type { KeptDocument, KeptQuestion } from './kept.ts'
import { notWritten } from './not-written.ts'
import type { Spool } from './spool.ts'
import type { ResponseStore } from './store.ts'

/** A response as it was asked for. */
export interface AskedResponse {
  readonly head: ResponseHead
  readonly requestId: string
  /** The name of the key that asks; null where there are no keys. */
  readonly key: string | null
  readonly parts: RequestParts
  readonly messages: readonly Message[]
}

/** A response whose client waits for it, and that is kept when it is done. */
export interface KeepingResponse {
  /** Its documents; each is copied when it is opened. */
  readonly sources: readonly Source[]
  /** Keeps it. Never throws: its client has its answer in any case. */
  done(response: ResponseObject): void
  /** Says that its request has ended: of one that was not done, nothing is kept. */
  ended(): void
}

/** Where new responses are kept. */
interface AskingServices {
  readonly store: ResponseStore
  readonly spool: Spool
  readonly log: Log
}

/** The most background responses of a key that have not ended. */
const MAX_UNENDED = 1000
/** The most that the documents of all of them take on disk, in bytes. */
const MAX_UNENDED_BYTES = 16 * 1024 ** 3

/**
 * Copies the documents of a background response to disk, and adds it to those that wait. Throws what opening them throws, and
 * `queue_full`.
 */
export async function startAsked(asked: AskedResponse, services: AskingServices, signal: AbortSignal): Promise<void> {
  const { store, spool } = services
  const { head, key, parts } = asked
  try {
    refuseTooMany(key, store)
    const documents = await spool.keep(head.id, parts.sources, signal)
    refuseTooMany(key, store)
    await store.add({ id: head.id, owner: key ?? '', question: questionOf(asked, documents), done: null })
  } catch (error) {
    await spool.remove(head.id).catch(() => {})
    throw error instanceof GatewayError || signal.aborted ? error : notKept(error)
  }
}

function notKept(cause: unknown): GatewayError {
  return notWritten(
    cause,
    'A background response is kept on disk until it is done',
    'Leave "background" out, and stream the answer.',
  )
}

function refuseTooMany(key: string | null, store: ResponseStore): void {
  if (store.unended(key ?? '') >= MAX_UNENDED) throw tooMany(`${MAX_UNENDED} background responses of this key`)
  if (store.unendedBytes() >= MAX_UNENDED_BYTES) throw tooMany('16 GiB of background responses')
}

/** Keeps a response whose client waits for it, once it is done. */
export function keepAsked(asked: AskedResponse, { store, spool, log }: AskingServices): KeepingResponse {
  const { head, key, parts } = asked
  const documents: (KeptDocument | undefined)[] = parts.sources.map(() => undefined)
  let isKept = false
  const forget = (): void => void spool.remove(head.id).catch(() => {})
  async function add(response: ResponseObject): Promise<void> {
    const whole = documents.filter((document) => document !== undefined)
    if (whole.length < documents.length) throw new Error('The documents could not be copied.')
    isKept = true
    await store.add({ id: head.id, owner: key ?? '', question: questionOf(asked, whole), done: response })
  }
  return {
    sources: spool.copying(head.id, parts.sources, (index, document) => (documents[index] = document)),
    done(response) {
      // It is kept when this returns, unless another process has the database locked: its client does not wait for that.
      add(response).catch((error: unknown) => {
        log.warn({ response: head.id, err: error }, 'a response was not kept')
        forget()
      })
    },
    ended() {
      if (!isKept) forget()
    },
  }
}

function questionOf(
  { head, requestId, parts, messages }: AskedResponse,
  documents: readonly KeptDocument[],
): KeptQuestion {
  const { userText, leftOut = 0, options } = parts
  const { password: _, ...kept } = options
  const { createdAt, model, answer } = head
  return {
    requestId,
    createdAt,
    model,
    answer,
    userText,
    leftOut,
    options: kept,
    documents,
    items: inputItems(messages),
  }
}

function tooMany(what: string): GatewayError {
  return new GatewayError('queue_full', `${what} wait already. Send the request again when some of them have ended.`, {
    retryAfterSeconds: 60,
  })
}
