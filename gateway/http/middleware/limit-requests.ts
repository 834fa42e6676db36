import { createMiddleware } from 'hono/factory'
import type { RateLimits } from '../../access/rate-limits.ts'
import type { WindowState } from '../../access/window.ts'
import type { GatewayContext, GatewayEnv } from '../context.ts'

const headerNames = (counted: 'requests' | 'pages') => ({
  limit: `x-ratelimit-limit-${counted}`,
  remaining: `x-ratelimit-remaining-${counted}`,
  reset: `x-ratelimit-reset-${counted}`,
})

const REQUESTS = headerNames('requests')
const PAGES = headerNames('pages')

/** What answers say of limits. */
export const LIMIT_HEADERS = [...Object.values(REQUESTS), ...Object.values(PAGES)]

/** Counts the requests of callers that have a limit, but for those that only look or delete; says what is left of it. */
export function limitRequests(limits: RateLimits) {
  return createMiddleware<GatewayEnv>(async function limitRequests(c, next) {
    c.set('limitHeaders', {})
    const caller = c.get('caller')
    if (caller === null || !['POST', 'PUT'].includes(c.req.method)) return next()
    try {
      const counted = await limits.request(caller)
      note(c, REQUESTS, counted?.window ?? null)
      if (counted?.refusal != null) throw counted.refusal
      await next()
      note(c, PAGES, await limits.pages(caller))
    } finally {
      send(c)
    }
  })
}

function note(c: GatewayContext, names: typeof REQUESTS, window: WindowState | null): void {
  if (window === null) return
  const { limit, remaining, resetMs } = window
  const headers = {
    [names.limit]: String(limit),
    [names.remaining]: String(remaining),
    [names.reset]: resetText(resetMs),
  }
  c.set('limitHeaders', { ...c.get('limitHeaders'), ...headers })
}

/** What was written past Hono has them already. */
function send(c: GatewayContext): void {
  const headers = Object.entries(c.get('limitHeaders'))
  if (headers.length === 0 || c.env.outgoing.headersSent) return
  for (const [name, value] of headers) c.header(name, value)
}

/** As OpenAI writes it: `12s`, `1m0s`; whole seconds, so that nobody comes too early. */
function resetText(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000)
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`
}
