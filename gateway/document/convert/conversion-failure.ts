import { GatewayError } from '../../errors.ts'
import { describeFailure } from '../download/failure.ts'
import type { Hop } from '../download/hop.ts'

const SEND_A_PDF = 'or send the document as a PDF'

/** Returns the error of a document that asks for a password: for one, or for another one than was sent. */
export function passwordWanted(password: string | null, param: string): GatewayError {
  return password === null
    ? new GatewayError('document_encrypted', 'The document is encrypted. Send its password in ocr.password.', { param })
    : new GatewayError('wrong_password', 'The password in ocr.password does not open the document.', {
        param: 'ocr.password',
      })
}

/** Returns the error of a document whose PDF is larger than a document may be. */
export function tooLargePdf(maxBytes: number, param: string): GatewayError {
  const message = `The PDF that the document was converted to has more than ${maxBytes} bytes. Split the document, or raise GATEWAY_MAX_DOCUMENT_BYTES.`
  return new GatewayError('document_too_large', message, { param })
}

/** Returns the error of an answer that is no PDF: whatever answers is no Gotenberg, or a broken one. */
export function notAPdf(param: string): GatewayError {
  return failed(
    'engine_error',
    'what GATEWAY_GOTENBERG_URL names answered with something else than a PDF',
    param,
    false,
  )
}

/** Returns the error of a conversion that did not end in time, its waiting for others included. */
export function tookTooLong(maxSeconds: number, param: string): GatewayError {
  return failed('engine_unavailable', `that took longer than ${maxSeconds} seconds`, param, true)
}

/** Returns the error that Gotenberg's status means: https://gotenberg.dev/docs/convert-with-libreoffice/convert-to-pdf. */
export function refusal(hop: Hop, param: string): GatewayError {
  const { status } = hop
  if (status === 400) {
    const message = `The document could not be converted to PDF: LibreOffice cannot read it, perhaps because it is damaged. Open it and save it again, ${SEND_A_PDF}.`
    return new GatewayError('document_unreadable', message, { param })
  }
  if (status === 413) {
    const message = `The document is larger than Gotenberg takes (API_BODY_LIMIT). Split it, ${SEND_A_PDF}.`
    return new GatewayError('document_too_large', message, { param })
  }
  if (status === 429 || status === 503) {
    const what = 'Gotenberg has no room, or it took longer than Gotenberg allows (API_TIMEOUT)'
    return failed('engine_unavailable', what, param, true, { retryAfterSeconds: retryAfter(hop.header('retry-after')) })
  }
  return failed('engine_error', `Gotenberg answered with status ${status}`, param, status >= 500)
}

/** The longest that clients heed. */
const MAX_RETRY_AFTER = 60

function retryAfter(header: string | null): number | undefined {
  return header !== null && /^\d{1,6}$/.test(header) ? Math.min(MAX_RETRY_AFTER, Number(header)) : undefined
}

/** Returns the error of a connection that failed. What is an error of the gateway's already stays as it is. */
export function connectionBroke(error: unknown, param: string): GatewayError {
  if (error instanceof GatewayError && error.code !== 'download_failed') return error
  const { what, retry } =
    error instanceof GatewayError && error.cause === undefined
      ? { what: 'sent the PDF too slowly', retry: true }
      : describeFailure(error instanceof GatewayError ? error.cause : error)
  return failed('engine_unavailable', `Gotenberg ${what}`, param, retry, { cause: error })
}

function failed(
  code: 'engine_error' | 'engine_unavailable',
  what: string,
  param: string,
  retry: boolean,
  details: { readonly cause?: unknown; readonly retryAfterSeconds?: number | undefined } = {},
): GatewayError {
  const advice = retry ? 'Try again later' : 'Tell the operator of the gateway'
  const message = `The document could not be converted to PDF: ${what}. ${advice}, ${SEND_A_PDF}.`
  return new GatewayError(code, message, { param, retry, ...details })
}
