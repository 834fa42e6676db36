import { processedText, processWriter } from '../../answer/process.ts'
import { GatewayError } from '../../errors.ts'
import { readProcess, type ProcessQuestion } from '../../request/process.ts'
import { answerOcr } from '../answer-ocr.ts'
import type { GatewayContext } from '../context.ts'
import { readBody } from '../read-body.ts'
import { requestContext } from '../request-context.ts'
import { sendJson } from '../send-json.ts'
import type { MistralServices } from './ocr.ts'

/** `PUT /process`: answers a file with its text, as Open WebUI's external loader expects it. */
export function processFile(services: MistralServices) {
  return async function processFile(c: GatewayContext): Promise<Response> {
    const { question, onOpened } = await read(c, services)
    if (question.kind === 'text') return sendJson(c, processedText(question))
    const { request, file } = question
    return answerOcr(c, services.ocr, request, processWriter(request, file), onOpened)
  }
}

interface ReadFile {
  readonly question: ProcessQuestion
  readonly onOpened: () => void
}

/** A separate function, so that nothing holds the file while its pages are read. */
async function read(c: GatewayContext, services: MistralServices): Promise<ReadFile> {
  const encoding = c.req.header('content-encoding') ?? 'identity'
  if (encoding !== 'identity') {
    throw new GatewayError('unsupported_media_type', `The body is ${encoding}-encoded. Send it uncompressed.`)
  }
  const { bytes, reservation } = await readBody(c, {
    maxBytes: Math.min(services.maxBodyBytes, services.maxDocumentBytes),
    budget: services.bodyBudget,
    idleSeconds: services.bodyIdleSeconds,
    onBytes: () => {},
    tooLarge,
  })
  c.get('record').bytes = bytes.length
  const file = { bytes, name: c.req.header('x-filename'), mediaType: c.req.header('content-type') }
  const question = await readProcess(file, requestContext(c, services))
  return { question, onOpened: () => reservation.release() }
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError(
    'document_too_large',
    `The file is larger than ${maxBytes} bytes. Split it, or raise GATEWAY_MAX_DOCUMENT_BYTES and GATEWAY_MAX_BODY_BYTES.`,
    { param: 'body' },
  )
}
