import { chatWriter } from '../../answer/chat.ts'
import type { OcrServices } from '../../ocr/ocr.ts'
import { readChat, type ChatQuestion } from '../../request/chat.ts'
import { answerOcr } from '../answer-ocr.ts'
import type { GatewayContext } from '../context.ts'
import { passThrough, type PassingServices } from '../pass-through.ts'
import { freeMemory } from '../../request/body/free-memory.ts'
import { readJson, type BodyServices, type JsonBody } from '../read-json.ts'
import { requestContext, type RequestServices } from '../request-context.ts'

/** The services and limits of chat completions. */
export interface ChatServices extends RequestServices, BodyServices, PassingServices {
  readonly ocr: OcrServices
}

/** `POST /v1/chat/completions`: answers documents with their text, and forwards conversations to their upstream. */
export function chatCompletions(services: ChatServices) {
  return async function chatCompletions(c: GatewayContext): Promise<Response> {
    const chat = await read(c, services)
    if (chat.kind === 'ocr') {
      return answerOcr(c, services.ocr, chat.request, chatWriter(chat.request, chat.answer), chat.onOpened)
    }
    return passThrough(c, services, '/chat/completions', chat, chat.body)
  }
}

type ReadChat =
  | (Extract<ChatQuestion, { kind: 'ocr' }> & { readonly onOpened: () => void })
  | (Extract<ChatQuestion, { kind: 'pass-through' }> & { readonly body: JsonBody })

/** A separate function, so that nothing holds the body, perhaps hundreds of megabytes, while its pages are read. */
async function read(c: GatewayContext, services: ChatServices): Promise<ReadChat> {
  const body = await readJson(c, services)
  const chat = await readChat(body, requestContext(c, services)).catch((error: unknown) => {
    freeMemory(body.bytes)
    throw error
  })
  if (chat.kind !== 'ocr') return { ...chat, body }
  const { bytes, reservation } = body
  // Of what came in base64, three quarters are left.
  reservation.resize(Math.ceil((bytes.length * 3) / 4))
  freeMemory(bytes)
  return { ...chat, onOpened: () => reservation.release() }
}
