import type { Access } from '../access/access.ts'
import type { Caller } from '../access/caller.ts'
import { answerEvents } from '../ocr/answer-events.ts'
import type { FinishedPages } from '../ocr/finished-pages.ts'
import type { OcrServices } from '../ocr/ocr.ts'
import type { ResponseHead } from '../answer/response.ts'
import { readResponseObject } from '../answer/response.ts'
import { GatewayError } from '../errors.ts'
import type { ServedModel } from '../profile/model-profile.ts'
import type { OcrModel } from '../profile/question.ts'
import { createRequest } from '../request/create-request.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import { responseNames } from '../request/response.ts'
import { findOthers, namedModel } from '../request/routes.ts'
import type { RequestContext } from '../request/context.ts'
import type { Span } from '../telemetry/span.ts'
import type { KeptResponse } from './kept.ts'
import type { Spool } from './spool.ts'
import type { ResponseWork } from './work.ts'

/** What reads a background response. */
export interface ReadingServices {
  readonly ocr: OcrServices
  readonly findModel: (
    name: string,
    signal: AbortSignal,
    caller: Caller,
    second?: { readonly param: string },
  ) => ReturnType<RequestContext['findModel']>
  readonly findReferee: (main: ServedModel, signal: AbortSignal, caller: Caller) => Promise<ServedModel | null>
  /** Whose it is, and what that caller may now. */
  readonly access: Pick<Access, 'owner'>
  readonly work: ResponseWork
  readonly spool: Spool
}

/** The share of the queue of pages that background responses may take together: who waits for an answer takes the rest. */
const SHARE_OF_QUEUE = 0.5

/** How one try at a response goes. */
export interface Try {
  /** Told of each piece of text that was read, and had not been before. */
  readonly onPiece: () => void
  /** Whether a page that no engine takes now ends the try: there will be another one. Else such a page has failed. */
  readonly waitsForEngine: boolean
  /** Undefined: it is not traced. */
  readonly span: Span | undefined
}

/**
 * Reads a background response, and keeps each page and each piece of its text as soon as it is there: begun again, it reads
 * the other pages alone, and makes the same pieces. Throws what the pipeline throws, and `engine_unavailable` for a page.
 */
export async function readInBackground(
  response: KeptResponse,
  process: string,
  services: ReadingServices,
  { onPiece, waitsForEngine, span }: Try,
  signal: AbortSignal,
): Promise<void> {
  const { work } = services
  const { id } = response
  const request = await requestOf(response, services, span, signal)
  const pages = work.finishedPages(id, process, signal)
  const finished = waitsForEngine ? untilOutage(pages) : pages
  const ocr = { ...services.ocr, admission: services.ocr.admission.within(SHARE_OF_QUEUE), finished }
  let content = ''
  let number = 0
  for await (const together of answerEvents(request, ocr, signal)) {
    for (const event of together) {
      if (event.type === 'text') {
        if (await work.addPiece(id, process, number, event, signal)) onPiece()
        content += event.text
        number += 1
      }
      if (event.type === 'end') {
        const done = readResponseObject(headOf(response), { content, ledger: event.ledger }, request)
        await work.complete(id, process, done, signal)
      }
    }
  }
}

/** Keeps no page that failed because no engine was there: nobody waits for the response, so that it can. */
function untilOutage(pages: FinishedPages): FinishedPages {
  return {
    ...pages,
    async add(page, result) {
      if (result.error?.code === 'engine_unavailable') throw result.error
      await pages.add(page, result)
    },
  }
}

/** Returns what all objects of a kept response have in common. */
export function headOf({ id, question }: Pick<KeptResponse, 'id' | 'question'>): ResponseHead {
  const { createdAt, model, answer } = question
  return { id, createdAt, model, answer }
}

async function requestOf(
  { id, owner, question }: KeptResponse,
  { findModel, findReferee, access, spool }: ReadingServices,
  span: Span | undefined,
  signal: AbortSignal,
): Promise<OcrRequest> {
  const { requestId, documents, options, userText, leftOut } = question
  const caller = await access.owner(owner)
  const { profile, ...served } = await findModel(namedModel(question.model, options), signal, caller)
  if (profile === null) throw noOcrModel(question.model)
  const model = { ...served, profile } satisfies OcrModel
  const others = await findOthers(model, options, {
    findModel: (other, second) => findModel(other, signal, caller, second),
    findReferee: (main) => findReferee(main, signal, caller),
  })
  const parts = {
    model,
    others,
    sources: documents.map((document, index) => spool.source(id, index, document)),
    userText,
    leftOut,
    options: { ...options, password: null },
    names: responseNames,
  }
  return createRequest(parts, { requestId, key: owner === '' ? null : owner, span })
}

function noOcrModel(name: string): GatewayError {
  return new GatewayError('invalid_value', `${name} is no OCR model any more. Name another one.`, { param: 'model' })
}
