import { createHash, timingSafeEqual } from 'node:crypto'
import type { IsAllowed } from '../access/client-address.ts'
import { GatewayError } from '../errors.ts'
import type { GatewayContext } from './context.ts'
import { isAddressAllowed } from './middleware/allow-addresses.ts'
import { bearerOf } from './middleware/authenticate.ts'

/** Who may see how the gateway does: its metrics, its upstreams. */
export interface Inside {
  /** Tells whether a request may. */
  isShown(c: GatewayContext): boolean
  /** Throws `invalid_api_key` for one that may not. */
  check(c: GatewayContext): void
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Creates it; without a key, whoever is let in may. */
export function createInside(key: string | null, isAllowed: IsAllowed): Inside {
  const wanted = key === null ? null : digest(key)
  const hasKey = (c: GatewayContext): boolean => wanted === null || timingSafeEqual(wanted, digest(bearerOf(c) ?? ''))
  return {
    isShown: (c) => isAddressAllowed(c, isAllowed) && hasKey(c),
    check(c) {
      if (hasKey(c)) return
      throw new GatewayError(
        'invalid_api_key',
        'How the gateway does is shown with the key of GATEWAY_METRICS_KEY alone. Send it as "Authorization: Bearer KEY".',
      )
    },
  }
}
