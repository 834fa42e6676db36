import { lookup, Resolver } from 'node:dns/promises'
import type { LookupAddress } from 'node:dns'

/** Finds the addresses of a name. Throws what Node's resolvers throw. */
export type Resolve = (name: string, isListed: boolean, signal: AbortSignal) => Promise<readonly LookupAddress[]>

const TIMEOUT_MS = 3000
const TRIES = 2

/**
 * Asks the name servers. Only for a name that the operator lists is the system asked, which knows `/etc/hosts` and the
 * like: each of its look-ups occupies one of Node's four threads, and a stranger's slow name server would stop the gateway.
 */
export const resolveName: Resolve = async (name, isListed, signal) => {
  if (isListed) return lookup(name, { all: true })
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES })
  const cancel = (): void => resolver.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    return await askBoth(resolver, name)
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

async function askBoth(resolver: Resolver, name: string): Promise<LookupAddress[]> {
  const asked = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
  const found = asked.flatMap((answer, index) =>
    answer.status === 'fulfilled' ? answer.value.map((address) => ({ address, family: index === 0 ? 4 : 6 })) : [],
  )
  const failed = asked.find(({ status }) => status === 'rejected')
  if (found.length === 0 && failed?.status === 'rejected') throw failed.reason
  return found
}
