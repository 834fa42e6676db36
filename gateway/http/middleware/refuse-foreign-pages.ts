import { createMiddleware } from 'hono/factory'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { GatewayError } from '../../errors.ts'
import type { GatewayContext, GatewayEnv } from '../context.ts'
import { isAllowed, originNotAllowed } from './allow-origins.ts'

/** What a gateway without keys knows of those who may use it. */
export interface AnonymousAccess {
  /** The address it listens on. */
  readonly host: string
  /** Whether it may be reached under any name, as on a network. */
  readonly anyHost: boolean
  /** Origins whose pages may use it. */
  readonly corsOrigins: readonly string[]
}

/**
 * Keeps web pages from using a gateway without keys through the browser of someone who can reach it: refuses requests of
 * foreign pages, and names that a page may have pointed at this machine (DNS rebinding). Clients that are no browsers
 * send neither header.
 */
export function refuseForeignPages({ host, anyHost, corsOrigins }: AnonymousAccess) {
  const ownNames = new Set([host, hostname(), `${hostname()}.local`].map((name) => name.toLowerCase()))
  return createMiddleware<GatewayEnv>(async function refuseForeignPages(c, next) {
    const asked = c.req.header('host') ?? ''
    if (!anyHost && !isPrivateName(nameOf(asked), ownNames)) throw hostNotAllowed(asked)
    const origin = c.req.header('origin')
    if (origin === undefined ? isCrossSite(c) : !isOwnPage(origin, asked) && !isAllowed(origin, corsOrigins)) {
      throw originNotAllowed(origin ?? 'other sites')
    }
    await next()
  })
}

/** Returns the name in a Host header, without its port: `localhost`, `::1`. */
function nameOf(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
}

/**
 * Tells whether a name is one that nobody outside can point at this machine: an address, a name without a dot, a name of
 * a domain that is never public, or the gateway's own. Containers know their host as `host.docker.internal`.
 */
function isPrivateName(name: string, ownNames: ReadonlySet<string>): boolean {
  return isIP(name) > 0 || !name.includes('.') || /\.(localhost|internal)$/.test(name) || ownNames.has(name)
}

/** Tells whether a page comes from the gateway itself, or from a server on the machine of who looks at it. */
function isOwnPage(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false
  const page = new URL(origin)
  if (page.host === host.toLowerCase()) return true
  const name = nameOf(page.host)
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '::1' ||
    (isIP(name) === 4 && name.startsWith('127.'))
  )
}

/** Tells whether a page of another site loads this as an image or a script. A link that is followed is no such thing. */
function isCrossSite(c: GatewayContext): boolean {
  return c.req.header('sec-fetch-site') === 'cross-site' && c.req.header('sec-fetch-mode') !== 'navigate'
}

function hostNotAllowed(host: string): GatewayError {
  return new GatewayError(
    'forbidden',
    `This gateway has no keys, and answers only under this machine's own names and addresses, not as ${host.slice(0, 200)}. Set GATEWAY_API_KEYS, or GATEWAY_ALLOW_ANONYMOUS=true to answer under any name.`,
  )
}
