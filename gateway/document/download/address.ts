import { GatewayError } from '../../errors.ts'
import { reachOf } from './reach.ts'

/** A host that may be private, as `GATEWAY_ALLOWED_URL_HOSTS` lists it. */
export interface ListedHost {
  /** As URLs write it: in lower case, punycode, IPv6 in brackets. */
  readonly host: string
  /** Whether it stands for all hosts below it, and not for itself. */
  readonly isSuffix: boolean
  /** Null: any port. */
  readonly port: number | null
}

/** What decides whether an address may be fetched. */
export interface AddressRules {
  readonly listed: readonly ListedHost[]
  /** The request field that holds the address. */
  readonly param: string
}

/**
 * Returns the URL of an address that may be looked up, of a redirect relative to where it came from. Throws
 * `url_not_allowed` for what can be refused by its looks; where a name leads to is seen only when it is connected to.
 */
export function parseAddress(text: string, from: URL | null, rules: AddressRules): URL {
  const refuse = (why: string): never => {
    const message = from === null ? why : `The address redirects, and the redirect is not followed: ${why}`
    throw new GatewayError('url_not_allowed', message, { param: rules.param })
  }
  // Odd spellings of IPv4, full-width letters and percent signs are made plain here, and nowhere else.
  const url = URL.parse(text.trim(), from?.href) ?? refuse('It is not a valid URL.')
  const { protocol } = url
  if (protocol !== 'http:' && protocol !== 'https:') {
    return refuse(`Only "http:" and "https:" are fetched, and not "${protocol}". Send the document itself.`)
  }
  if (url.username !== '' || url.password !== '') {
    return refuse('An address that holds a user name or a password is not fetched. Send the document itself.')
  }
  if (from?.protocol === 'https:' && protocol === 'http:') {
    return refuse(`It leads from "https:" to "http:", where anybody on the way could read and change the document.`)
  }
  const problem = problemOf(url, rules.listed)
  if (problem !== null) return refuse(problem)
  url.hash = ''
  return url
}

function problemOf(url: URL, listed: readonly ListedHost[]): string | null {
  const name = nameOf(url)
  if (/^(?:.+\.)?localhost$/.test(name)) return isListed(url, listed) ? null : notPublic(url)
  return isLiteral(url) ? addressProblem(hostOf(url), url, listed) : null
}

/** Returns why nothing is fetched from an IP address that a URL leads to; null where something may be. */
export function addressProblem(address: string, url: URL, listed: readonly ListedHost[]): string | null {
  const reach = reachOf(address)
  if (reach === 'public') return null
  if (!isListed(url, listed)) return notPublic(url)
  return reach === 'private' ? null : `${nameOf(url)} is an address, or leads to one, that is never fetched from.`
}

// The IP address itself is not named: it would tell of a network that the client may not see.
function notPublic(url: URL): string {
  return `${nameOf(url)} is not a public address, or leads to one that is not. Send the document itself; GATEWAY_ALLOWED_URL_HOSTS may list hosts that are private.`
}

/** Returns the host of a URL as sockets take it: IPv6 without brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1')
}

/** Tells whether the host of a URL is an IP address. */
export function isLiteral({ hostname }: URL): boolean {
  // URLs write IPv4 in this way alone, and end no name in a number.
  return hostname.startsWith('[') || /^\d+(?:\.\d+){3}$/.test(hostname)
}

const MAX_NAME_LENGTH = 253

/** Returns the host of a URL for people and for comparisons. */
export function nameOf({ hostname }: URL): string {
  return hostname.replace(/\.$/, '').slice(0, MAX_NAME_LENGTH)
}

/** Returns the port of a URL. */
export function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port)
  return protocol === 'https:' ? 443 : 80
}

/** Tells whether the host of a URL may be private. */
export function isListed(url: URL, listed: readonly ListedHost[]): boolean {
  const name = nameOf(url)
  return listed.some(({ host, isSuffix, port }) => {
    if (port !== null && port !== portOf(url)) return false
    return isSuffix ? name.endsWith(`.${host}`) : name === host
  })
}
