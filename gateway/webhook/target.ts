import { addressProblem, hostOf, isListed, isLiteral, nameOf, type ListedHost } from '../document/download/address.ts'

/**
 * Returns why nothing can be sent to the receiver that an operator has named; null where nothing speaks against it yet: where a
 * name leads to is seen only when it is connected to.
 */
export function targetProblem(url: URL, listed: readonly ListedHost[]): string | null {
  const isLocal = /^(?:.+\.)?localhost$/.test(nameOf(url))
  const isRefused = isLiteral(url)
    ? addressProblem(hostOf(url), url, listed) !== null
    : isLocal && !isListed(url, listed)
  if (isRefused) return NOT_PUBLIC
  if (url.protocol === 'http:' && !isListed(url, listed)) {
    return 'must begin with https://, or its host must be listed in GATEWAY_ALLOWED_URL_HOSTS'
  }
  return null
}

/** Continues a sentence that begins with the receiver. */
export const NOT_PUBLIC =
  'leads to an address that is not public: list its host in GATEWAY_ALLOWED_URL_HOSTS, where it is none of those that are never connected to (link-local, metadata of clouds)'
