import { lookup, Resolver } from 'node:dns/promises'
import type { LookupAddress } from 'node:dns'

/** Finds the addresses of a name, which the operator lists or not. Throws what Node's resolvers throw. */
export type Resolve = (name: string, isListed: boolean, signal: AbortSignal) => Promise<readonly LookupAddress[]>

const TIMEOUT_MS = 3000
const TRIES = 2

/**
 * Creates what asks the name servers; left out: those of the system. Only for a name that the operator lists is the system
 * itself asked, which knows `/etc/hosts` and the like: each of its look-ups occupies one of Node's four threads, and a
 * stranger's slow name server would stop the gateway.
 */
export function createResolve(servers: readonly string[] | null = null): Resolve {
  return async (name, isListed, signal) => {
    if (isListed) return lookup(name, { all: true })
    const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES })
    if (servers !== null) resolver.setServers(servers)
    const cancel = (): void => resolver.cancel()
    signal.addEventListener('abort', cancel, { once: true })
    try {
      return await askBoth(resolver, name)
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  }
}

async function askBoth(resolver: Resolver, name: string): Promise<LookupAddress[]> {
  const [four, six] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
  const found = [
    ...(four.status === 'fulfilled' ? four.value.map((address) => ({ address, family: 4 })) : []),
    ...(six.status === 'fulfilled' ? six.value.map((address) => ({ address, family: 6 })) : []),
  ]
  if (found.length === 0 && four.status === 'rejected') throw four.reason
  return found
}
