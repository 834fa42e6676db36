import { cors } from 'hono/cors'
import { createMiddleware } from 'hono/factory'
import { GatewayError } from '../../errors.ts'
import type { GatewayContext, GatewayEnv } from '../context.ts'
import { LIMIT_HEADERS } from './limit-requests.ts'

/** For how long a browser may remember what it was allowed, in seconds. */
const MAX_AGE = 3600

/**
 * Lets pages of the listed origins call the gateway from browsers: answers their preflights, before a key is asked for,
 * and marks every answer as theirs to read. A preflight of another page is refused with what an operator can do.
 */
export function allowOrigins(origins: readonly string[]) {
  const share = cors({
    origin: origins.includes('*') ? '*' : [...origins],
    allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    exposeHeaders: ['x-request-id', 'x-cache', 'retry-after', 'x-should-retry', ...LIMIT_HEADERS],
    maxAge: MAX_AGE,
  })
  return createMiddleware<GatewayEnv>(async function allowOrigins(c, next) {
    const origin = c.req.header('origin')
    const isPreflight = c.req.method === 'OPTIONS' && c.req.header('access-control-request-method') !== undefined
    if (isPreflight && origin !== undefined && !isAllowed(origin, origins)) throw originNotAllowed(origin)
    if (origins.length === 0 || (c.req.method === 'OPTIONS' && !isPreflight)) return next()
    return share(c, next)
  })
}

/** Tells whether pages of an origin may call the gateway. */
export function isAllowed(origin: string, origins: readonly string[]): boolean {
  return origins.includes('*') || origins.includes(origin)
}

/** Returns the refusal of a page's request. */
export function originNotAllowed(origin: string): GatewayError {
  return new GatewayError(
    'forbidden',
    `Pages of ${origin.slice(0, 200)} may not call this gateway. If they should, list the origin in GATEWAY_CORS_ORIGINS.`,
  )
}

/** Returns the headers of an answer that say who may read it, for answers that are written past Hono. */
export function originHeaders(c: GatewayContext): Record<string, string> {
  // Reading `c.res` makes a Response; only browsers send an origin.
  if (c.req.header('origin') === undefined) return {}
  const headers = [...c.res.headers].filter(([name]) => name.startsWith('access-control-'))
  return headers.length === 0 ? {} : { ...Object.fromEntries(headers), vary: 'Origin' }
}
