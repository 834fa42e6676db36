import type { Access } from '../../access/access.ts'
import { GatewayError } from '../../errors.ts'
import { MAX_WATCHERS, type Watchers } from '../../status/watchers.ts'
import type { StatusSnapshot } from '../../wire/status.ts'
import type { GatewayContext } from '../context.ts'
import type { Inside } from '../inside.ts'
import { identify } from '../middleware/authenticate.ts'
import type { Lifecycle } from './health.ts'

/** What the routes of the status need. */
export interface StatusServices {
  readonly access: Access
  readonly lifecycle: Lifecycle
  readonly status: { readonly look: () => Promise<StatusSnapshot>; readonly watchers: Watchers }
}

/** `GET /status`: the operator's page for browsers, and what it shows, once, for scripts. */
export function showStatus(
  services: StatusServices,
  inside: Inside,
  page: (c: GatewayContext) => Response | Promise<Response>,
) {
  return async function showStatus(c: GatewayContext): Promise<Response> {
    if (wantsPage(c)) return varied(await page(c))
    await checkOperator(c, services.access, inside)
    return varied(c.json(await services.status.look()))
  }
}

/** `GET /status/events`: what the page shows, at once and then each second. */
export function followStatus({ access, status, lifecycle }: StatusServices, inside: Inside) {
  return async function followStatus(c: GatewayContext): Promise<Response> {
    await checkOperator(c, access, inside)
    if (lifecycle.draining) throw new GatewayError('draining', 'The gateway is stopping. Watch another one.')
    const record = c.get('record')
    const events = status.watchers.watch((isUnread) => {
      record.end(200)
      // What waits for a client that does not read would wait for ever.
      if (isUnread) c.env.outgoing.destroy()
    })
    if (events === null) throw tooManyWatchers()
    record.streaming = true
    return c.body(events, 200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // nginx would otherwise collect the stream into buffers.
      'x-accel-buffering': 'no',
    })
  }
}

/** Scripts take anything, browsers say that they take pages. */
const wantsPage = (c: GatewayContext): boolean => /\btext\/html\b/.test(c.req.header('accept') ?? '')

function varied(response: Response): Response {
  response.headers.append('vary', 'accept')
  return response
}

/** Callers and their failures are all callers': where there are keys, they are an admin's; else as the metrics. */
async function checkOperator(c: GatewayContext, access: Access, inside: Inside): Promise<void> {
  if (access.isOpen) return inside.check(c)
  const caller = await identify(c, access)
  if (caller === null || caller.isAdmin) return
  throw new GatewayError(
    'forbidden',
    `The status shows what all callers do, and ${caller.name} is no admin. Ask with a key that has "admin": true in GATEWAY_KEYS_FILE, or with a token whose claim "ocr" says so: an operator writes either.`,
  )
}

const tooManyWatchers = () =>
  new GatewayError(
    'queue_full',
    `${MAX_WATCHERS} others watch the status already. Close a page that shows it, or ask for GET /status with "Accept: application/json".`,
    { retryAfterSeconds: 10 },
  )
