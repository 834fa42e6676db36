import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createIsAllowed } from '../../../gateway/access/client-address.ts'

const allowed = createIsAllowed(['192.0.2.0/24', '2001:db8::/32', '198.51.100.7/32'], ['10.0.0.0/8', 'fd00::/8'])

describe('the address of a client', () => {
  const rows: [name: string, remote: string | undefined, forwardedFor: string | undefined, isAllowed: boolean][] = [
    ['is that of the connection', '192.0.2.9', undefined, true],
    ['is that of the connection: another one', '203.0.113.9', undefined, false],
    ['is IPv4 within IPv6, too', '::ffff:192.0.2.9', undefined, true],
    ['is IPv6', '2001:db8::1', undefined, true],
    ['is one host of a network of one', '198.51.100.7', undefined, true],
    ['is one host of a network of one: its neighbour', '198.51.100.8', undefined, false],
    ['is what a trusted proxy says', '10.1.1.1', '192.0.2.9', true],
    ['is what a trusted proxy says: another one', '10.1.1.1', '203.0.113.9', false],
    ['is what a trusted proxy says in IPv6', '::ffff:10.1.1.1', '2001:db8::5', true],
    ['is not what a stranger says', '203.0.113.9', '192.0.2.9', false],
    ['is the last one that is no proxy: a client made up the first', '10.1.1.1', '192.0.2.9, 203.0.113.9', false],
    ['is the one before the proxies of a chain', '10.1.1.1', '203.0.113.9, 192.0.2.9, 10.2.2.2, fd00::2', true],
    ['has a port where proxies add it', '10.1.1.1', '192.0.2.9:4711', true],
    ['has brackets where proxies add them', '10.1.1.1', '[2001:db8::5]:4711', true],
    ['is unknown where a proxy says so', '10.1.1.1', 'unknown', false],
    ['is unknown behind what is no address', '10.1.1.1', '192.0.2.9, 0x7f.1', false],
    ['is that of the proxy where it says nothing', '10.1.1.1', undefined, false],
    ['is that of the proxy where it says nothing: blank', '10.1.1.1', '', false],
    ['is unknown behind more proxies than there are', '10.1.1.1', `192.0.2.9${', 10.2.2.2'.repeat(32)}`, false],
    ['is unknown', undefined, '192.0.2.9', false],
  ]
  for (const [name, remote, forwardedFor, isAllowed] of rows)
    it(name, () => assert.equal(allowed({ remote, forwardedFor }), isAllowed))

  it('is nobody’s concern without a list', () => {
    assert.equal(createIsAllowed([], ['10.0.0.0/8'])({ remote: '203.0.113.9', forwardedFor: 'x' }), true)
  })

  it('is in a network that is written as IPv4 within IPv6', () => {
    const mapped = createIsAllowed(['::ffff:192.0.2.0/120'], [])
    assert.equal(mapped({ remote: '192.0.2.1', forwardedFor: undefined }), true)
    assert.equal(mapped({ remote: '192.0.3.1', forwardedFor: undefined }), false)
  })
})
