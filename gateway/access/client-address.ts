import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Network = readonly [Address, number]

/** What is known of a connection. */
export interface Connection {
  /** The address of its other end. */
  readonly remote: string | undefined
  /** The header `X-Forwarded-For`, several joined by commas. */
  readonly forwardedFor: string | undefined
}

/** Tells which clients are answered. */
export type IsAllowed = (connection: Connection) => boolean

/** Creates it of networks, each an address and the length of its prefix. None allowed: all are. */
export function createIsAllowed(allowed: readonly string[], proxies: readonly string[]): IsAllowed {
  if (allowed.length === 0) return () => true
  const networks = allowed.map(parsed)
  const trusted = proxies.map(parsed)
  return (connection) => {
    const client = clientOf(connection, trusted)
    return client !== null && isIn(client, networks)
  }
}

/** More proxies stand before no gateway: whoever writes so many addresses wants it to look at all of them. */
const MAX_HOPS = 32

/**
 * Returns the address of a client: the last one in `X-Forwarded-For` that is none of a trusted proxy's. Who is no trusted
 * proxy says nothing of others. Null: a proxy has passed on what is no address.
 */
function clientOf({ remote, forwardedFor }: Connection, trusted: readonly Network[]): Address | null {
  let client = addressOf(remote ?? '')
  const hops = forwardedFor?.split(',') ?? []
  for (let looked = 0; client !== null && isIn(client, trusted); looked += 1) {
    const next = hops.pop()
    if (next === undefined) return client
    client = looked < MAX_HOPS ? addressOf(next.trim()) : null
  }
  return client
}

/** An IPv4 address within IPv6 is that IPv4 address. Some proxies add the port. */
function addressOf(text: string): Address | null {
  const [, bracketed, plain] = /^(?:\[([^\]]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+)$/.exec(text) ?? []
  // A link-local address names the interface that it is met on.
  const address = (bracketed ?? plain ?? text).replace(/%.*$/, '')
  const isAddress =
    ipaddr.IPv4.isValidFourPartDecimal(address) || (address.includes(':') && ipaddr.IPv6.isValid(address))
  return isAddress ? ipaddr.process(address) : null
}

function parsed(cidr: string): Network {
  const [address, length] = ipaddr.parseCIDR(cidr)
  // `::ffff:10.0.0.0/104` is 10.0.0.0/8.
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && length >= 96)
    return [address.toIPv4Address(), length - 96]
  return [address, length]
}

function isIn(client: Address, networks: readonly Network[]): boolean {
  return networks.some(([address, length]) => address.kind() === client.kind() && client.match(address, length))
}
