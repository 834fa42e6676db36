import { createMiddleware } from 'hono/factory'
import type { IsAllowed } from '../../access/client-address.ts'
import { GatewayError } from '../../errors.ts'
import type { GatewayContext, GatewayEnv } from '../context.ts'

/** Answers whoever asks how the gateway is: what watches it may be anywhere in a cluster. */
const FOR_EVERYBODY = new Set(['/health', '/ready'])

/** Refuses requests of clients whose address is not in the list. */
export function allowAddresses(isAllowed: IsAllowed) {
  return createMiddleware<GatewayEnv>(async function allowAddresses(c, next) {
    if (!FOR_EVERYBODY.has(c.req.path) && !isAddressAllowed(c, isAllowed)) {
      throw new GatewayError(
        'forbidden',
        'The address that this request comes from may not use this gateway. Its operator can list it in GATEWAY_ALLOWED_IPS, and proxies in front in GATEWAY_TRUSTED_PROXIES.',
      )
    }
    await next()
  })
}

/** Tells whether a request comes from an address in the list. */
export function isAddressAllowed(c: GatewayContext, isAllowed: IsAllowed): boolean {
  // Where a server is only called, nothing comes from anywhere.
  const remote = c.env?.incoming?.socket.remoteAddress
  return isAllowed({ remote, forwardedFor: c.req.header('x-forwarded-for') })
}
