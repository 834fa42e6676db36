import { errors } from 'undici'
import { GatewayError } from '../../errors.ts'
import { nameOf } from './address.ts'

/** What a failed download is told with: the host alone, as the rest of an address may be a secret. */
export interface Fetched {
  readonly url: URL
  readonly param: string
}

/** Returns the error of a download that did not succeed: `what` continues a sentence that begins with the host. */
export function downloadFailed(
  { url, param }: Fetched,
  what: string,
  { retry, cause }: { readonly retry: boolean; readonly cause?: unknown },
): GatewayError {
  const advice = retry ? 'Try again later' : 'Check the address'
  return new GatewayError(
    'download_failed',
    `The document could not be downloaded: ${nameOf(url)} ${what}. ${advice}, or send the document itself.`,
    { param, retry, cause, ...(retry ? { retryAfterSeconds: RETRY_AFTER_SECONDS } : {}) },
  )
}

const RETRY_AFTER_SECONDS = 5

/** What became of a connection, by the code of its error. */
const FAILURES: readonly { readonly code: RegExp; readonly what: string; readonly retry: boolean }[] = [
  { code: /^(?:ENOTFOUND|ENODATA|EBADNAME|ENONAME)$/, what: 'is not known to any name server', retry: false },
  {
    code: /^(?:EAI_AGAIN|ESERVFAIL|EREFUSED|ETIMEOUT|ECANCELLED|EBADRESP)$/,
    what: 'was not found, as no name server answered',
    retry: true,
  },
  { code: /^ECONNREFUSED$/, what: 'refused the connection', retry: true },
  { code: /^(?:EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/, what: 'cannot be reached from here', retry: true },
  { code: /^(?:ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/, what: 'did not accept a connection in time', retry: true },
  { code: /CERT|^UNABLE_TO_|^ERR_TLS_/, what: 'has a certificate that is not trusted', retry: false },
  { code: /^ERR_SSL_|^EPROTO$/, what: 'does not speak TLS as it should', retry: false },
  {
    code: /^(?:HPE_|UND_ERR_HEADERS_OVERFLOW)/,
    what: 'did not answer in HTTP as it should',
    retry: false,
  },
  {
    code: /^UND_ERR_RES_CONTENT_LENGTH_MISMATCH$/,
    what: 'sent another number of bytes than it had announced',
    retry: true,
  },
]

/** Says why a connection failed. What is a refusal already stays as it is. */
export function connectionFailed(fetched: Fetched, error: unknown): GatewayError {
  if (error instanceof GatewayError) return error
  const { what, retry } = describeFailure(error)
  return downloadFailed(fetched, what, { retry, cause: error })
}

/** Says what became of a connection, in words that continue a sentence which begins with the host, and whether it may pass. */
export function describeFailure(error: unknown): { readonly what: string; readonly retry: boolean } {
  const code = codeOf(error)
  return FAILURES.find((failure) => failure.code.test(code)) ?? { what: 'broke the connection off', retry: true }
}

/** With several addresses for a name, Node gathers one error for each. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  // It has a code of its own only where the parser said why.
  if (error instanceof errors.HTTPParserError) return 'HPE_'
  const code = error instanceof Error && 'code' in error ? error.code : null
  return typeof code === 'string' ? code : ''
}
