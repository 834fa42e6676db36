import { GatewayError } from '../errors.ts'
import type { DocumentBytes } from './document-bytes.ts'
import { openFile } from './pdf-file.ts'
import { securityHandler } from './pdf-object.ts'

/** Why a library could not open a PDF. */
export interface OpeningFailure {
  /** It asked for a password, or for another one. */
  readonly wantsPassword: boolean
  readonly hadPassword: boolean
  /** For the log. */
  readonly cause: unknown
}

/**
 * Makes the failure of a PDF that cannot be opened: `document_encrypted`, `wrong_password` or `document_unreadable`.
 * PDFium and pdf.js call a document damaged whose security handler they do not know.
 */
export function openingFailure(
  bytes: DocumentBytes,
  { wantsPassword, hadPassword, cause }: OpeningFailure,
): GatewayError {
  const handler = securityHandler(openFile(bytes))
  if (handler !== null && handler !== 'Standard') return encryptedOtherwise(handler)
  if (wantsPassword) {
    return hadPassword
      ? new GatewayError('wrong_password', 'The password in ocr.password does not open the PDF.')
      : new GatewayError(
          'document_encrypted',
          'The PDF is encrypted. Give its password in ocr.password, or save it without one.',
        )
  }
  const message = 'The PDF is damaged beyond repair and cannot be opened. Send it again, or repair it first.'
  return new GatewayError('document_unreadable', message, { cause })
}

/** The names of ISO 32000-1, 7.6.5, and of older Acrobats. */
const CERTIFICATE_HANDLERS = new Set(['Adobe.PubSec', 'Adobe.PPKLite', 'Entrust.PPKEF', 'Adobe.PPKMS'])

function encryptedOtherwise(handler: string): GatewayError {
  const remedy = 'Open it where it can be read, save it without encryption, and send that.'
  const how = CERTIFICATE_HANDLERS.has(handler)
    ? 'to a certificate: no password opens it'
    : `by the security handler "${handler}", which only programs that have it can open; no password does`
  return new GatewayError('document_encrypted', `The PDF is encrypted ${how}. ${remedy}`)
}
