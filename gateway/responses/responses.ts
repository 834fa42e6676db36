import { join } from 'node:path'
import { unreadResponse } from '../answer/response.ts'
import type { Source } from '../document/source.ts'
import { GatewayError } from '../errors.ts'
import type { OcrServices } from '../ocr/ocr.ts'
import type { Database } from '../store/database.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { InputItem } from '../wire/openai/response-items.ts'
import type { ResponseObject } from '../wire/openai/response.ts'
import { keepAsked, startAsked, type AskedResponse, type KeepingResponse } from './asked.ts'
import { createChanges } from './changes.ts'
import { createEndTeller, NOTE_ENDS, type OnEnded } from './ends.ts'
import type { KeptResponse } from './kept.ts'
import { follow, type LiveResponse } from './live.ts'
import { notWritten } from './not-written.ts'
import { headOf, type ReadingServices } from './read.ts'
import { startRetention } from './retention.ts'
import { createRunner, type RunnerServices } from './runner.ts'
import { createSpool } from './spool.ts'
import { createSql } from './sql.ts'
import { createResponseStore, type ResponseStore } from './store.ts'
import { createResponseWork } from './work.ts'

/** The responses that are kept, each for the key that asked for it, and those that are read while nobody waits. */
export interface Responses {
  /** Has a response read in the background. Throws what opening its documents throws, and `queue_full`. */
  start(asked: AskedResponse, signal: AbortSignal): Promise<ResponseObject>
  /** Keeps a response whose client waits for it. */
  keep(asked: AskedResponse): KeepingResponse
  /** Returns a response as it is now. Throws `response_not_found`. */
  find(id: string, key: string | null): ResponseObject
  /** Follows a background response. Throws `response_not_found`, and `invalid_value` for one that was not read in the background. */
  follow(id: string, key: string | null, after: number, signal: AbortSignal): LiveResponse
  /** Cancels a background response, where it has not ended. Throws as `follow` does. */
  cancel(id: string, key: string | null): Promise<ResponseObject>
  /** Throws `response_not_found`. */
  remove(id: string, key: string | null): Promise<void>
  /** Returns the messages that a response was asked with. Throws `response_not_found`. */
  items(id: string, key: string | null): readonly InputItem[]
  /** Returns the documents of a response, for another one. Throws `response_not_found`, and `file_not_found` where they are gone. */
  documents(id: string, key: string | null): readonly Source[]
  close(): Promise<void>
}

/** What the responses need. */
export interface ResponsesOptions {
  readonly dataDir: string
  readonly database: Database
  readonly ocr: OcrServices
  readonly findModel: ReadingServices['findModel']
  readonly findReferee: ReadingServices['findReferee']
  readonly access: ReadingServices['access']
  readonly log: Log
  readonly metrics: Metrics
  readonly lifecycle: { readonly draining: boolean }
  /** Told of each background response that has ended, once or more; null: nobody wants to know. */
  readonly onEnded: OnEnded | null
}

/** Creates the kept responses, and begins to read those that wait. */
export function createResponses(options: ResponsesOptions): Responses {
  const { onEnded, log } = options
  const sql = createSql(options.database, onEnded === null ? '' : NOTE_ENDS)
  const ends = onEnded === null ? null : createEndTeller({ sql, onEnded, log })
  const services: KeptServices = {
    ...options,
    onEnd: () => ends?.wake(),
    store: createResponseStore(sql),
    work: createResponseWork(sql),
    spool: createSpool(join(options.dataDir, 'responses')),
    changes: createChanges(),
  }
  const { store, spool, changes } = services
  const runner = createRunner(services)
  const retention = startRetention(services)
  const find = (id: string, key: string | null): KeptResponse => findKept(id, key, store)
  return {
    async start(asked, signal) {
      await startAsked(asked, services, signal)
      runner.wake()
      return unreadResponse(asked.head, 'queued')
    },
    keep: (asked) => keepAsked(asked, services),
    find: (id, key) => objectOf(find(id, key)),
    follow: (id, key, after, signal) => follow(inBackground(find(id, key), 'stream'), after, services, signal),
    async cancel(id, key) {
      inBackground(find(id, key), 'cancel')
      if (await changed(store.cancel(id, key ?? ''))) runner.stop(id)
      changes.tell(id)
      ends?.wake()
      return objectOf(find(id, key))
    },
    async remove(id, key) {
      find(id, key)
      await changed(store.remove(id))
      runner.stop(id)
      changes.tell(id)
      await spool.remove(id)
    },
    items: (id, key) => find(id, key).question.items,
    documents(id, key) {
      const { hasDocuments, question } = find(id, key)
      if (!hasDocuments) throw documentsGone(id)
      return question.documents.map((document, index) => spool.source(id, index, document))
    },
    async close() {
      await retention.close()
      await runner.close()
      await ends?.close()
    },
  }
}

/** All that the parts of the kept responses share. */
interface KeptServices extends RunnerServices {
  readonly store: ResponseStore
}

/** Throws `storage_full` and `internal_error` for a change that could not be written. */
function changed<Result>(change: Promise<Result>): Promise<Result> {
  return change.catch((error: unknown) => {
    throw notWritten(
      error,
      'What becomes of a response is written down',
      'It is as it was; send the request again later.',
    )
  })
}

function findKept(id: string, key: string | null, store: ResponseStore): KeptResponse {
  const found = store.exists() ? store.find(id, key ?? '') : null
  if (found === null) throw notFound(id)
  return found
}

function inBackground(response: KeptResponse, wish: 'stream' | 'cancel'): KeptResponse {
  if (!response.question.answer.background) throw notInBackground(wish)
  return response
}

function objectOf(response: KeptResponse): ResponseObject {
  const { status, done, error } = response
  if (done !== null) return done
  return unreadResponse(headOf(response), status === 'completed' ? 'failed' : status, error)
}

function notFound(id: string): GatewayError {
  return new GatewayError(
    'response_not_found',
    `There is no response ${JSON.stringify(id.slice(0, 100))}: it was not stored, it was deleted, another key asked for it, or it ended more than a day ago.`,
  )
}

function notInBackground(wish: string): GatewayError {
  const why =
    wish === 'stream'
      ? 'Only background responses can be streamed again. Leave "stream" out: this one is whole.'
      : 'Only background responses can be cancelled. This one is whole.'
  return new GatewayError('invalid_value', why, wish === 'stream' ? { param: 'stream' } : {})
}

function documentsGone(id: string): GatewayError {
  return new GatewayError(
    'file_not_found',
    `The documents of the response ${id} are not kept any more: that is for an hour after its end. Send them again.`,
    { param: 'previous_response_id' },
  )
}
