import { once } from 'node:events'
import { connect, isIP, type LookupFunction, type Socket } from 'node:net'
import type { LookupAddress } from 'node:dns'
import { connect as connectTls } from 'node:tls'
import { Client } from 'undici'
import { GatewayError } from '../../errors.ts'
import { orAborted } from '../../schedule/or-aborted.ts'
import { addressProblem, hostOf, isListed, isLiteral, portOf, type AddressRules } from './address.ts'
import type { Resolve } from './resolve.ts'

/** What decides where a socket may lead. */
export interface ConnectionRules extends AddressRules {
  readonly resolve: Resolve
}

/** A name of hundreds of addresses would have the gateway knock at each of them. */
const MAX_TRIED = 8
/** Node's own quarter of a second is less than the way around the world and back. */
const ATTEMPT_MS = 1000

/**
 * Returns a client whose one connection is opened as `openSocket` does it, when it is first used. It has no time limits but the
 * signal; whoever uses it destroys it.
 */
export function openClient(url: URL, rules: ConnectionRules, signal: AbortSignal): Client {
  return new Client(url.origin, {
    connect: (_, settle) => {
      openSocket(url, rules, signal).then(
        (socket) => settle(null, socket),
        (error: Error) => settle(error, null),
      )
    },
    headersTimeout: 0,
    bodyTimeout: 0,
  })
}

/**
 * Opens a socket to the host of a URL, by TLS where the URL says so. Every address that the name has is held against the
 * rules, and the socket goes to those, and asks nobody again; where it has come to is checked once more, before a byte is
 * sent. Throws `url_not_allowed`, what resolving and connecting throw, and the signal's reason.
 */
async function openSocket(url: URL, rules: ConnectionRules, signal: AbortSignal): Promise<Socket> {
  const host = hostOf(url)
  const addresses = isLiteral(url)
    ? [{ address: host, family: isIP(host) }]
    : await orAborted(rules.resolve(host, isListed(url, rules.listed), signal), signal)
  // A name with one forbidden address among others is meant to be tried until that one is taken.
  for (const { address } of addresses) vet(address, url, rules)
  const socket = connect({
    host,
    port: portOf(url),
    lookup: pinned(addresses.slice(0, MAX_TRIED)),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ATTEMPT_MS,
    signal,
  })
  // Between two of those who wait for it, a socket may fail unheard, which would end the process.
  socket.on('error', () => {})
  try {
    await once(socket, 'connect', { signal })
    vet(socket.remoteAddress ?? '', url, rules)
    return url.protocol === 'https:' ? await secured(socket, host, signal) : socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

function vet(address: string, url: URL, { listed, param }: AddressRules): void {
  const problem = addressProblem(address, url, listed)
  if (problem !== null) throw new GatewayError('url_not_allowed', problem, { param })
}

/** Looks nothing up: the answer is known. */
function pinned(addresses: readonly LookupAddress[]): LookupFunction {
  return (host, { all }, callback) => {
    const [first] = addresses
    if (first === undefined) callback(Object.assign(new Error(`${host} has no address`), { code: 'ENOTFOUND' }), '')
    else if (all === true) callback(null, [...addresses])
    else callback(null, first.address, first.family)
  }
}

async function secured(socket: Socket, host: string, signal: AbortSignal): Promise<Socket> {
  const servername = isIP(host) === 0 ? host.replace(/\.$/, '') : ''
  const secure = connectTls({ socket, host, servername, ALPNProtocols: ['http/1.1'] })
  secure.on('error', () => {})
  await once(secure, 'secureConnect', { signal })
  return secure
}
