import type { IncomingMessage } from 'node:http'
import { GatewayError } from '../errors.ts'
import type { GatewayContext } from './context.ts'
import { createFormParser, type FormHandlers, type FormLimits, type FormParser } from './form-parser.ts'
import { announcedBytes, askForBody, tooSlow } from './read-body.ts'
import { watchStillness } from '../schedule/stillness.ts'

export type { FormFile, FormLimits } from './form-parser.ts'

/** How a form is received. */
export interface MultipartOptions extends FormLimits {
  /** How long it may stand still. */
  readonly idleSeconds: number
  /** The field whose file is too large where the form is as a whole. */
  readonly fileField: string
}

/** The boundaries and heads of the parts; what is beyond belongs to a file. */
const HEADS_BYTES = 64 * 1024
/** A file that is not here by then does not arrive; half a gigabyte at 1 Mbit/s does. */
const MAX_SECONDS = 2 * 3600

/**
 * Reads a form whose files are taken as they arrive, no faster than they are taken, and never held. Throws
 * `unsupported_media_type` for another body, `invalid_value` for a broken form, `request_timeout` for one that stands still,
 * what `tooLarge` says of one that is too large as a whole, before any of it is read where its length is announced, and what
 * the handlers throw. When it throws, no handler is at work any more.
 */
export async function readMultipart(
  c: GatewayContext,
  options: MultipartOptions,
  handlers: FormHandlers,
): Promise<void> {
  const { incoming } = c.env
  const contentType = c.req.header('content-type') ?? ''
  refuseOthers(c, contentType)
  const { fileBytes, files, fields, fieldBytes, fileField, tooLarge } = options
  const announced = announcedBytes(incoming)
  const most = files * fileBytes + Math.min(fields, 4) * fieldBytes + HEADS_BYTES
  const admit = (bytes: number): void => {
    // Of what is no part of the form there may be no end.
    if (bytes > most) throw tooLarge(fileField)
  }
  admit(announced ?? 0)
  const parser = createFormParser(contentType, options, handlers)
  askForBody(c)
  try {
    c.get('record').bytes = await pump(incoming, parser, { idleSeconds: options.idleSeconds, admit })
    await parser.end()
  } catch (error) {
    await parser.fail(error as Error)
    throw error
  }
}

function refuseOthers(c: GatewayContext, contentType: string): void {
  const encoding = c.req.header('content-encoding') ?? 'identity'
  if (encoding !== 'identity') {
    throw new GatewayError('unsupported_media_type', `The body is ${encoding}-encoded. Send it uncompressed.`)
  }
  if (/^\s*multipart\/form-data\s*;/i.test(contentType)) return
  const declared = contentType === '' ? 'nothing' : contentType.split(';', 1)[0]?.slice(0, 100)
  throw new GatewayError(
    'unsupported_media_type',
    `The body is declared as ${declared}. Send a form, multipart/form-data with its boundary, and the file in it.`,
  )
}

/**
 * Writes a body to a parser, piece after piece; returns its length. Asks `admit` before so many bytes are written. The
 * stream is not destroyed when that fails: the socket must still send the answer.
 */
async function pump(
  incoming: IncomingMessage,
  parser: FormParser,
  { idleSeconds, admit }: { readonly idleSeconds: number; readonly admit: (bytes: number) => void },
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let bytes = 0
  let isWriting = false
  // While the disk is what everybody waits for, the client does not stand still.
  const onStill = (): void => {
    if (isWriting) stillness = watchStillness(idleSeconds, onStill)
    else reject(tooSlow())
  }
  let stillness = watchStillness(idleSeconds, onStill)
  const limit = setTimeout(() => reject(tooSlow()), MAX_SECONDS * 1000)
  const write = async (piece: Buffer): Promise<void> => {
    incoming.pause()
    isWriting = true
    bytes += piece.length
    admit(bytes)
    await parser.write(piece)
    isWriting = false
    stillness.moved(piece.length)
    incoming.resume()
  }
  const onData = (piece: Buffer): void => void write(piece).catch(reject)
  const onEnd = (): void => resolve()
  const onClose = (): void => reject(new Error('The connection ended before the body.'))
  parser.failed.catch(reject)
  incoming.on('data', onData).on('end', onEnd).on('error', reject).on('close', onClose)
  if (incoming.destroyed) onClose()
  try {
    await promise
    return bytes
  } finally {
    stillness.stop()
    clearTimeout(limit)
    incoming.pause()
    incoming.off('data', onData).off('end', onEnd).off('error', reject).off('close', onClose)
  }
}
