import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer as createWebServer, type Server as WebServer } from 'node:http'
import { createServer, isIP, type AddressInfo, type Server } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { ListedHost } from '../../gateway/document/download/address.ts'
import type { Resolve } from '../../gateway/document/download/resolve.ts'
import { makeDownloads, openAt } from '../support/make-downloads.ts'

/** An address that must never be connected to. `PORT` is that of a server on the loopback address. */
interface Row {
  readonly name: string
  readonly url: string
  /** What the name in it leads to, according to its name servers. */
  readonly leadsTo?: readonly string[]
  readonly listed?: readonly Partial<ListedHost>[]
  readonly message?: RegExp
}

const literal = (name: string, host: string): Row => ({ name, url: `http://${host}:PORT/` })
const named = (name: string, ...leadsTo: string[]): Row => ({ name: `a name that leads to ${name}`, url: 'http://document.example:PORT/a.pdf', leadsTo }) // prettier-ignore
const everything: Partial<ListedHost>[] = [{ host: 'document.example' }, { host: 'example', isSuffix: true }]
const listed = (name: string, ...leadsTo: string[]): Row => ({ ...named(name, ...leadsTo), name: `a listed name that leads to ${name}`, listed: everything, message: /never fetched from/ }) // prettier-ignore

const rows: readonly Row[] = [
  literal('loopback', '127.0.0.1'),
  literal('another loopback address (RFC 1122)', '127.8.9.10'),
  literal('the end of the loopback block', '127.255.255.254'),
  literal('IPv4 in octal', '0177.0.0.1'),
  literal('IPv4 in hexadecimal, in parts', '0x7f.0x0.0x0.0x1'),
  literal('IPv4 in hexadecimal, whole', '0x7f000001'),
  literal('IPv4 as one number', '2130706433'),
  literal('IPv4 as one number in octal', '017700000001'),
  literal('IPv4 of two parts', '127.1'),
  literal('IPv4 of three parts', '127.0.1'),
  literal('IPv4 in mixed bases', '0x7f.1'),
  literal('IPv4 with leading zeros', '000177.0.0.01'),
  literal('IPv4 with a dot behind it', '127.0.0.1.'),
  literal('IPv4 in full-width digits', '１２７.０.０.１'),
  literal('IPv4 with ideographic dots', '127。0。0。1'),
  literal('IPv4 in enclosed digits', '①②⑦.⓪.⓪.①'),
  literal('IPv4 with percent signs', '%31%32%37.0.0.1'),
  literal('IPv4 with a soft hyphen', '127.0.\u00ad0.1'),
  literal('nothing but zero', '0'),
  literal('the unspecified address', '0.0.0.0'),
  literal('"this network" (RFC 791)', '0.1.2.3'),
  literal('private, class A (RFC 1918)', '10.0.0.1'),
  literal('private, class B (RFC 1918)', '172.16.0.1'),
  literal('private, the end of class B (RFC 1918)', '172.31.255.255'),
  literal('private, class C (RFC 1918)', '192.168.1.1'),
  literal('shared by carriers (RFC 6598)', '100.64.0.1'),
  literal('link-local (RFC 3927)', '169.254.1.1'),
  literal('metadata of Amazon, Google and Azure', '169.254.169.254'),
  literal('metadata, as one number', '2852039166'),
  literal('metadata, in octal', '0251.0376.0251.0376'),
  literal('metadata of Alibaba', '100.100.100.200'),
  literal('metadata of Oracle', '192.0.0.192'),
  literal("Azure's wire server, of public looks", '168.63.129.16'),
  literal('protocol assignments (RFC 6890)', '192.0.0.1'),
  literal('documentation (RFC 5737)', '192.0.2.1'),
  literal('documentation, second (RFC 5737)', '198.51.100.1'),
  literal('documentation, third (RFC 5737)', '203.0.113.1'),
  literal('6to4 relays (RFC 3068)', '192.88.99.1'),
  literal('benchmarking (RFC 2544)', '198.18.0.1'),
  literal('multicast (RFC 5771)', '224.0.0.1'),
  literal('reserved (RFC 1112)', '240.0.0.1'),
  literal('broadcast', '255.255.255.255'),
  literal('IPv6 loopback', '[::1]'),
  literal('IPv6 loopback, in full', '[0:0:0:0:0:0:0:1]'),
  literal('IPv6, unspecified', '[::]'),
  literal('IPv6, link-local', '[fe80::1]'),
  literal('IPv6, link-local with a zone', '[fe80::1%25eth0]'),
  literal('IPv6, site-local (RFC 3879)', '[fec0::1]'),
  literal('IPv6, unique local (RFC 4193)', '[fd12:3456:789a::1]'),
  literal('IPv6, metadata of Amazon', '[fd00:ec2::254]'),
  literal('IPv6, multicast', '[ff02::1]'),
  literal('IPv6, documentation (RFC 3849)', '[2001:db8::1]'),
  literal('IPv6, documentation (RFC 9637)', '[3fff::1]'),
  literal('IPv6, benchmarking (RFC 5180)', '[2001:2::1]'),
  literal('IPv6, discarded (RFC 6666)', '[100::1]'),
  literal('IPv6, mapped IPv4', '[::ffff:127.0.0.1]'),
  literal('IPv6, mapped IPv4 in hexadecimal', '[::ffff:7f00:1]'),
  literal('IPv6, mapped public IPv4', '[::ffff:93.184.216.34]'),
  literal('IPv6, compatible IPv4', '[::127.0.0.1]'),
  literal('IPv6, translated IPv4 (RFC 6145)', '[::ffff:0:127.0.0.1]'),
  literal('IPv6, NAT64 (RFC 6052)', '[64:ff9b::127.0.0.1]'),
  literal('IPv6, NAT64 of metadata', '[64:ff9b::a9fe:a9fe]'),
  literal('IPv6, local NAT64 (RFC 8215)', '[64:ff9b:1::a00:1]'),
  literal('IPv6, 6to4 of loopback (RFC 3056)', '[2002:7f00:1::]'),
  literal('IPv6, 6to4 of a private address', '[2002:c0a8:101::1]'),
  literal('IPv6, Teredo (RFC 4380)', '[2001:0:53aa:64c::80ff:fffe]'),
  literal('IPv6, ISATAP (RFC 5214)', '[2a00:1450:4001:80b:0:5efe:127.0.0.1]'),
  literal('IPv6, ISATAP of a global IPv4', '[2a00:1450:4001:80b:200:5efe:a00:1]'),
  literal('IPv6, segment routing (RFC 9602)', '[5f00::1]'),
  literal('IPv6, never handed out', '[4000::1]'),
  literal('localhost', 'localhost'),
  literal('localhost in capitals', 'LOCALHOST'),
  literal('localhost with a dot behind it', 'localhost.'),
  literal('localhost in enclosed letters', 'ⓛⓞⓒⓐⓛⓗⓞⓢⓣ'),
  literal('a name below localhost (RFC 6761)', 'a.localhost'),
  { name: 'a user name before the host', url: 'http://document.example@127.0.0.1:PORT/' },
  { name: 'credentials', url: 'http://user:secret@document.example:PORT/', message: /user name or a password/ },
  { name: 'a password alone', url: 'http://:secret@document.example:PORT/', message: /user name or a password/ },
  { name: 'a backslash before the host', url: 'http:\\\\127.0.0.1:PORT\\a.pdf' },
  { name: 'a backslash within it', url: 'http://document.example\\@127.0.0.1:PORT/', leadsTo: ['127.0.0.1'] },
  { name: 'no slashes', url: 'http:127.0.0.1:PORT' },
  { name: 'a tab and a line break within the host', url: 'http://127.0\t.0\n.1:PORT/' },
  { name: 'blanks around it', url: ' \n http://127.0.0.1:PORT/ ' },
  { name: 'a host behind a fragment', url: 'http://127.0.0.1:PORT#@document.example/' },
  { name: 'TLS', url: 'https://127.0.0.1:PORT/' },
  { name: 'no port that is one', url: 'http://document.example:99999/', message: /not a valid URL/ },
  { name: 'no host', url: 'http://', message: /not a valid URL/ },
  ...[
    'file:///etc/passwd',
    'ftp://document.example/',
    'gopher://127.0.0.1:PORT/_x',
    's3://bucket/key',
    'blob:http://127.0.0.1:PORT/x',
    'unix:///var/run/docker.sock',
    'ws://127.0.0.1:PORT/',
    'javascript:alert(1)',
    'jar:http://127.0.0.1:PORT!/x',
    'view-source:http://127.0.0.1:PORT/',
  ].map(
    // prettier-ignore
    (url) => ({ name: `the scheme of ${url}`, url, message: /Only "http:" and "https:"/ }),
  ),
  named('loopback', '127.0.0.1'),
  named('a private address', '10.1.2.3'),
  named('metadata', '169.254.169.254'),
  named('IPv6 loopback', '::1'),
  named('mapped IPv4', '::ffff:127.0.0.1'),
  named('6to4', '2002:7f00:1::'),
  named('NAT64', '64:ff9b::7f00:1'),
  named('unique local IPv6', 'fd00::1'),
  named('link-local IPv6 with a zone', 'fe80::1%eth0'),
  named('a private address behind a public one', '93.184.216.34', '127.0.0.1'),
  named('a public address behind a private one', '127.0.0.1', '93.184.216.34'),
  named('a private IPv6 address behind a public one', '93.184.216.34', 'fd00::1'),
  named('what is no address', 'not an address'),
  { ...named('loopback, by its international name', '127.0.0.1'), url: 'http://dökument.example:PORT/' },
  { ...named('loopback, with a dot behind it', '127.0.0.1'), url: 'http://document.example.:PORT/' },
  { ...named('loopback, where another port is listed', '127.0.0.1'), listed: [{ host: 'document.example', port: 1 }] },
  { ...named('loopback, where what is below it is listed', '127.0.0.1'), listed: [{ host: 'document.example', isSuffix: true }] }, // prettier-ignore
  { ...named('loopback, where its end is another listed name', '127.0.0.1'), listed: [{ host: 'ument.example', isSuffix: true }, { host: 'ument.example' }] }, // prettier-ignore
  { ...named('loopback, where its beginning is another listed name', '127.0.0.1'), url: 'http://document.example.evil:PORT/', listed: everything }, // prettier-ignore
  listed('metadata', '169.254.169.254'),
  listed('metadata of Alibaba', '100.100.100.200'),
  listed('metadata of Amazon, by IPv6', 'fd00:ec2::254'),
  listed("Azure's wire server", '168.63.129.16'),
  listed('the unspecified address', '0.0.0.0'),
  listed('mapped metadata', '::ffff:169.254.169.254'),
  listed('link-local IPv6', 'fe80::1'),
  listed('metadata by NAT64', '64:ff9b::169.254.169.254'),
  listed('metadata behind a private address', '127.0.0.1', '169.254.169.254'),
]

const isName = (url: string): boolean => url.includes('document.example')

describe('an address that may not be fetched', () => {
  let trap: Server
  let decoy: WebServer
  let trapPort: number
  let decoyPort: number
  let trapped = 0
  let opened: string[] = []
  let attempts: string[] = []
  let locations: string[] = []

  const onSocket = (message: unknown): void => {
    const { socket } = message as {
      socket: Record<'once' | 'on', (event: 'connectionAttempt', listener: (ip: string) => void) => void>
    }
    opened.push('a socket')
    socket.once('connectionAttempt', (ip) => opened.push(ip))
    socket.on('connectionAttempt', (ip) => attempts.push(ip))
  }

  before(async () => {
    trap = createServer((socket) => {
      trapped += 1
      socket.destroy()
    })
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve))
    trapPort = (trap.address() as AddressInfo).port
    decoy = createWebServer((_, response) => {
      response.writeHead(302, { location: locations.shift() ?? '/' }).end('elsewhere')
    })
    await new Promise<void>((resolve) => decoy.listen(0, '127.0.0.1', resolve))
    decoyPort = (decoy.address() as AddressInfo).port
    subscribe('net.client.socket', onSocket)
  })
  beforeEach(() => {
    trapped = 0
    opened = []
    attempts = []
  })
  after(() => {
    unsubscribe('net.client.socket', onSocket)
    trap.close()
    decoy.close()
  })

  const resolveTo = (leadsTo: readonly string[]): Resolve => {
    return async () => leadsTo.map((address) => ({ address, family: isIP(address) }))
  }
  const withPort = (url: string): string => url.replaceAll('PORT', String(trapPort))

  it('is one of at least sixty', () => assert.ok(rows.length >= 60, String(rows.length)))

  for (const { name, url, leadsTo = ['93.184.216.34'], listed: hosts = [], message = /./ } of rows)
    it(`is refused before a socket is opened: ${name}`, async () => {
      const at = makeDownloads({ listed: hosts, resolve: resolveTo(leadsTo) })
      const refused = openAt(at, withPort(url))
      await assert.rejects(refused, { code: 'url_not_allowed', param: 'the.field', status: 400, retry: false, message })
      await refused.catch(({ message: said }: Error) => {
        // Where a name leads to is not told: it may be a network that the client does not see.
        for (const secret of ['secret', ...(isName(url) ? leadsTo : [])]) assert.ok(!said.includes(secret), said)
      })
      assert.deepEqual({ opened, trapped }, { opened: [], trapped: 0 })
    })

  describe('is not reached by a redirect either', () => {
    // Relative to where it came from, an address without slashes is a path.
    for (const { name, url, leadsTo, listed: hosts = [] } of rows.filter((row) => row.name !== 'no slashes'))
      it(name, async () => {
        const location = withPort(url)
        locations = [/^[\x21-\x7e]*$/.test(location) ? location : encodeURI(location.trim())]
        const first: Partial<ListedHost> = { host: 'first.example', port: decoyPort }
        const resolve: Resolve = async (host) =>
          host === 'first.example'
            ? [{ address: '127.0.0.1', family: 4 }]
            : resolveTo(leadsTo ?? ['127.0.0.1'])(host, false, new AbortController().signal)
        const at = makeDownloads({ listed: [first, ...hosts], resolve })
        await assert.rejects(openAt(at, `http://first.example:${decoyPort}/`), { code: 'url_not_allowed' })
        assert.deepEqual({ opened, trapped }, { opened: ['a socket', '127.0.0.1'], trapped: 0 })
      })
  })

  it('would have been noticed, had it been fetched', async () => {
    const at = makeDownloads({ listed: [{ host: 'document.example' }], resolve: resolveTo(['127.0.0.1']) })
    await assert.rejects(openAt(at, withPort('http://document.example:PORT/')), {
      code: 'download_failed',
      retry: true,
    })
    assert.deepEqual({ opened, trapped }, { opened: ['a socket', '127.0.0.1'], trapped: 1 })
  })

  it('is not every one of hundreds that a name leads to', async () => {
    const everywhere = Array.from({ length: 200 }, (_, index) => `127.0.1.${index}`)
    const at = makeDownloads({ listed: [{ host: 'document.example' }], resolve: resolveTo(everywhere) })
    await assert.rejects(openAt(at, withPort('http://document.example:PORT/')), {
      code: 'download_failed',
      retry: true,
    })
    assert.deepEqual(
      { sockets: opened.filter((what) => what === 'a socket').length, trapped },
      { sockets: 1, trapped: 0 },
    )
    assert.ok(attempts.length <= 8, attempts.join())
  })

  describe('is one whose name leads elsewhere at the next look', () => {
    /** Each look gets the next answer; the last one is for all that follow. */
    const answers = (...each: string[][]) => {
      const looks: string[] = []
      const resolve: Resolve = async (name, _, signal) => {
        looks.push(name)
        return resolveTo(each[Math.min(looks.length, each.length) - 1] ?? [])(name, false, signal)
      }
      return { looks, resolve }
    }
    const here: Partial<ListedHost>[] = [{ host: 'document.example' }]

    it('the connection goes where the look that was held against the rules has led', async () => {
      const { looks, resolve } = answers(['127.0.0.1'], ['169.254.169.254'])
      locations = ['ftp://the.end/']
      await assert.rejects(openAt(makeDownloads({ listed: here, resolve }), `http://document.example:${decoyPort}/`), {
        message: /redirects.*"ftp:"/,
      })
      assert.deepEqual({ looks, opened }, { looks: ['document.example'], opened: ['a socket', '127.0.0.1'] })
    })

    it('the next download of the same address is refused', async () => {
      const { resolve } = answers(['127.0.0.1'], ['169.254.169.254'])
      const at = makeDownloads({ listed: here, resolve })
      const url = `http://document.example:${decoyPort}/`
      locations = ['ftp://the.end/']
      await assert.rejects(openAt(at, url), { message: /redirects/ })
      opened = []
      await assert.rejects(openAt(at, url), { code: 'url_not_allowed' })
      assert.deepEqual(opened, [])
    })

    it('a redirect to the same name is looked up again, and refused', async () => {
      const { looks, resolve } = answers(['127.0.0.1'], ['10.0.0.1', '169.254.169.254'])
      locations = ['/again']
      const opening = openAt(makeDownloads({ listed: here, resolve }), `http://document.example:${decoyPort}/`)
      await assert.rejects(opening, { code: 'url_not_allowed' })
      assert.deepEqual({ looks: looks.length, opened }, { looks: 2, opened: ['a socket', '127.0.0.1'] })
    })
  })
})
