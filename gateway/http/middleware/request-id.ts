import { createMiddleware } from 'hono/factory'
import type { GatewayEnv } from '../context.ts'

// An id that fits unchanged into a log line, a header and vLLM's own ids.
const saneId = /^[\w.:-]{1,128}$/

/** Returns an id for a request that has none. */
export function newRequestId(): string {
  return `req_${crypto.randomUUID().replaceAll('-', '')}`
}

/** Gives each request its id: the caller's `x-request-id` if it is a sane one, else a new one; echoes it. */
export function requestId() {
  return createMiddleware<GatewayEnv>(async function requestId(c, next) {
    const theirs = c.req.header('x-request-id')
    const id = theirs !== undefined && saneId.test(theirs) ? theirs : newRequestId()
    c.set('requestId', id)
    c.header('x-request-id', id)
    await next()
  })
}
