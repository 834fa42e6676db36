import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/**
 * Who an IP address belongs to. `public`: anybody on the internet. `private`: the machine itself or a network behind it,
 * which an operator may open by name. `never`: what no document is fetched from, whatever an operator lists.
 */
export type Reach = 'public' | 'private' | 'never'

const PRIVATE_RANGES: ReadonlySet<string> = new Set(['private', 'loopback', 'uniqueLocal', 'carrierGradeNat'])

/** Where clouds hand out a machine's own credentials; other such addresses are link-local or reserved. */
const METADATA: ReadonlySet<string> = new Set([
  // Alibaba
  '100.100.100.200',
  // Azure, of public looks
  '168.63.129.16',
  // Amazon
  'fd00:ec2::254',
  // Google
  'fd20:ce::254',
])

/** The only addresses of IPv6 that were ever handed out: what lies beyond embeds IPv4, or is for a purpose of its own. */
const HANDED_OUT: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3]

/** RFC 6052: the prefix through which networks without IPv4 reach it, where name servers add it to every name (DNS64). */
const NAT64: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('64:ff9b::'), 96]

/** Tells who an IP address belongs to. What is no address is never fetched from. */
export function reachOf(text: string): Reach {
  // The library alone would take the short and the octal spellings of IPv4, too.
  if (isIP(text) === 0 || !ipaddr.isValid(text)) return 'never'
  const address = ipaddr.parse(text)
  if (METADATA.has(address.toString())) return 'never'
  const range = address.range()
  if (PRIVATE_RANGES.has(range)) return 'private'
  if (address instanceof ipaddr.IPv6 && address.match(...NAT64)) return throughNat64(address)
  if (range !== 'unicast') return 'never'
  return address instanceof ipaddr.IPv6 && !isHandedOut(address) ? 'never' : 'public'
}

/** An operator in such a network may list hosts; a stranger needs no way to write IPv4 once more. */
function throughNat64(address: ipaddr.IPv6): Reach {
  const embedded = new ipaddr.IPv4(address.toByteArray().slice(12))
  return reachOf(embedded.toString()) === 'never' ? 'never' : 'private'
}

function isHandedOut(address: ipaddr.IPv6): boolean {
  return address.match(...HANDED_OUT) && !isIsatap(address)
}

/** RFC 5214: an interface of 0:5efe or 200:5efe is a tunnel to the IPv4 address behind it. */
function isIsatap({ parts }: ipaddr.IPv6): boolean {
  return parts[5] === 0x5efe && (parts[4] === 0 || parts[4] === 0x200)
}
