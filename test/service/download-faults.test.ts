import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createSocketServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { gzipSync } from 'node:zlib'
import type { EndedDownload } from '../../gateway/document/download/downloads.ts'
import { openDocument } from '../../gateway/document/open.ts'
import type { Rasterizer } from '../../gateway/rasterizer/pool.ts'
import { createByteBudget } from '../../gateway/schedule/byte-budget.ts'
import { tlsFixture } from '../fixtures/tls.ts'
import { makeDownloads, openAt, type MadeDownloads } from '../support/make-downloads.ts'
import { makePdf } from '../support/make-pdf.ts'
import { someone } from '../support/turn.ts'
import { eventually, within } from '../support/within.ts'

const MAX_BYTES = 200_000
const pdf = Buffer.from(makePdf([{ number: 1 }]))
const html = '<!doctype html><title>Log in</title><p>Please log in.'
const listed = [{ host: '127.0.0.1' }, { host: 'document.example' }]

/** Starts a server; disposing it breaks what is open. */
async function listening(server: Server): Promise<{ readonly port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Downloads from a server that answers so, with small limits. */
async function from(answer: RequestListener, options: MadeDownloads = {}, path = '/a.pdf'): Promise<Uint8Array> {
  await using server = await listening(createServer(answer))
  return await openAt(
    makeDownloads({ listed, maxDocumentBytes: MAX_BYTES, ...options }),
    `http://127.0.0.1:${server.port}${path}`,
  )
}

/** Downloads from a server that says so, whatever it is asked. */
async function fromRaw(answer: string, options: MadeDownloads = {}, ends = true): Promise<Uint8Array> {
  const server = createSocketServer((socket) => {
    socket.once('data', () => (ends ? socket.end(answer, 'latin1') : socket.write(answer)))
  })
  await using running = await listening(server)
  return await openAt(makeDownloads({ listed, ...options }), `http://127.0.0.1:${running.port}/`)
}

/** Sends bytes again and again for as long as the other side is there. */
function drip(response: ServerResponse, bytes: string, everyMs: number): void {
  const timer = setInterval(() => response.write(bytes), everyMs)
  response.once('close', () => clearInterval(timer))
}

const failed = (retry: boolean, message = /./) => ({ code: 'download_failed', status: 400, param: 'the.field', retry, message }) // prettier-ignore

describe('a download that does not come to its end', () => {
  const quick = { idleSeconds: 0.3 }
  const rows: { name: string; run: () => Promise<Uint8Array>; error: object }[] = [
    {
      name: 'nothing is answered',
      run: () => from(() => {}, quick),
      error: failed(true, /127\.0\.0\.1 did not answer in time\. Try again later, or send the document itself/),
    },
    {
      name: 'the head of the answer comes a byte at a time',
      run: async () => {
        const server = createSocketServer((socket) => {
          const timer = setInterval(() => socket.write('HTTP/1.1 200 OK\r\nx: y'.slice(0, 1)), 50)
          socket.once('close', () => clearInterval(timer))
        })
        await using running = await listening(server)
        return await openAt(makeDownloads({ listed, ...quick }), `http://127.0.0.1:${running.port}/`)
      },
      error: { code: 'download_failed' },
    },
    {
      name: 'the body stands still',
      run: () => from((_, response) => void response.writeHead(200, { 'content-length': '9999' }).write('%PDF'), quick),
      error: failed(true, /sent the document too slowly/),
    },
    {
      name: 'the body comes a byte at a time',
      run: () => from((_, response) => drip(response.writeHead(200), 'x', 20), quick),
      error: failed(true, /sent the document too slowly/),
    },
    {
      name: 'the body comes steadily, and does not end in time',
      run: () => from((_, response) => drip(response.writeHead(200), 'x'.repeat(5000), 50), { maxSeconds: 0.6 }),
      error: failed(true, /took too long/),
    },
    {
      name: 'redirects that each take their time take too long together',
      run: () => from((_, response) => void setTimeout(() => response.writeHead(302, { location: '/' }).end(), 250), { maxSeconds: 0.6 }), // prettier-ignore
      error: failed(true, /took too long/),
    },
    {
      name: 'the connection is closed without an answer',
      run: () => from((request) => request.socket.destroy()),
      error: failed(true, /broke the connection off/),
    },
    {
      name: 'the connection is reset within the body',
      run: () => from((request, response) => {
        response.writeHead(200).write(pdf)
        setTimeout(() => request.socket.resetAndDestroy(), 50)
      }), // prettier-ignore
      error: failed(true, /broke the connection off/),
    },
    {
      name: 'fewer bytes come than were announced',
      run: () => fromRaw('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n%PDF-1.7'),
      error: failed(true, /127\.0\.0\.1 (?:broke the connection off|sent another number of bytes)/),
    },
    {
      name: 'the last chunk is missing',
      run: () => fromRaw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n%PDF-1.7\r\n'),
      error: failed(true, /broke the connection off/),
    },
    {
      name: 'two lengths are announced',
      run: () => fromRaw('HTTP/1.1 200 OK\r\nContent-Length: 8\r\nContent-Length: 9\r\n\r\n%PDF-1.7'),
      error: failed(true, /another number of bytes than it had announced/),
    },
    {
      name: 'a length is announced that is none',
      run: () => fromRaw('HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n%PDF-1.7'),
      error: failed(false, /did not answer in HTTP/),
    },
    {
      name: 'another protocol is spoken',
      run: () => fromRaw('SSH-2.0-OpenSSH_9.9\r\n', {}, false),
      error: failed(false, /did not answer in HTTP/),
    },
    {
      name: 'the head is endless',
      run: () => fromRaw(`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(100_000)}`, {}, false),
      error: failed(false, /did not answer in HTTP/),
    },
    {
      name: 'nobody listens',
      run: async () => {
        const server = await listening(createSocketServer())
        await server[Symbol.asyncDispose]()
        return openAt(makeDownloads({ listed }), `http://127.0.0.1:${server.port}/`)
      },
      error: failed(true, /refused the connection/),
    },
    {
      name: 'the name is not known',
      run: () => openAt(makeDownloads({ resolve: () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' })) }), 'http://document.example/'), // prettier-ignore
      error: failed(false, /document\.example is not known to any name server\. Check the address/),
    },
    {
      name: 'the name has no address',
      run: () => openAt(makeDownloads({ resolve: async () => [] }), 'http://document.example/'),
      error: failed(false, /is not known/),
    },
    ...['EAI_AGAIN', 'ETIMEOUT', 'ESERVFAIL'].map((code) => ({
      name: `no name server answers (${code})`,
      run: () => openAt(makeDownloads({ resolve: () => Promise.reject(Object.assign(new Error('x'), { code })) }), 'http://document.example/'), // prettier-ignore
      error: failed(true, /no name server answered/),
    })),
    {
      name: 'nobody is found',
      run: () => openAt(makeDownloads({ resolve: () => new Promise(() => {}), ...quick }), 'http://document.example/'),
      error: failed(true, /did not answer in time/),
    },
    ...[204, 206, 304, 400, 401, 403, 404, 410, 418].map((status) => ({
      name: `the answer has status ${status}`,
      run: () => from((_, response) => void response.writeHead(status).end()),
      error: failed(false, new RegExp(`answered with status ${status}\\. Check the address`)),
    })),
    ...[408, 425, 429, 500, 502, 503, 504].map((status) => ({
      name: `the answer has status ${status}`,
      run: () => from((_, response) => void response.writeHead(status).end(pdf)),
      error: { ...failed(true, new RegExp(`answered with status ${status}\\. Try again`)), retryAfterSeconds: 5 },
    })),
    ...['gzip', 'x-gzip', 'deflate', 'br', 'zstd', 'identity, gzip', 'aes128gcm'].map((encoding) => ({
      name: `it is sent in the encoding ${encoding}`,
      run: () => from((_, response) => void response.writeHead(200, { 'content-encoding': encoding }).end(gzipSync(Buffer.alloc(1_000_000)))), // prettier-ignore
      error: failed(false, /content encoding/),
    })),
    {
      name: 'a redirect leads nowhere',
      run: () => from((_, response) => void response.writeHead(302).end()),
      error: failed(false, /answered with status 302/),
    },
    {
      name: 'redirects lead in a circle',
      run: () => from((request, response) => void response.writeHead(301, { location: request.url === '/a' ? '/b' : '/a' }).end()), // prettier-ignore
      error: failed(false, /redirects more than 5 times/),
    },
    {
      name: 'more bytes are announced than are accepted',
      run: () => from((_, response) => response.writeHead(200, { 'content-length': MAX_BYTES + 1 }).flushHeaders()), // prettier-ignore
      error: { code: 'document_too_large', status: 413, param: 'the.field', message: /larger than 200000 bytes.*GATEWAY_MAX_DOCUMENT_BYTES/ }, // prettier-ignore
    },
    {
      name: 'more bytes come than are accepted',
      run: () => from((_, response) => drip(response.writeHead(200), 'x'.repeat(50_000), 5)),
      error: { code: 'document_too_large', status: 413, param: 'the.field' },
    },
    ...['text/html; charset=utf-8', 'application/pdf'].map((type) => ({
      name: `a web page is answered, as ${type}`,
      run: () => from((_, response) => void response.writeHead(200, { 'content-type': type }).end(html)),
      error: { code: 'unsupported_media_type', status: 415, param: 'the.field', message: /127\.0\.0\.1 answered with a web page/ }, // prettier-ignore
    })),
    {
      name: 'a web page is answered that looks like none',
      run: () =>
        from((_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end(`<!-- ${html}`)),
      error: { code: 'unsupported_media_type', message: /answered with a web page/ },
    },
  ]

  for (const { name, run, error } of rows)
    it(name, async () => {
      await assert.rejects(within(run(), 10_000, name), error)
    })
})

describe('a download that comes to its end', () => {
  const rows: { name: string; run: () => Promise<Uint8Array> }[] = [
    { name: 'with its length', run: () => from((_, response) => void response.writeHead(200, { 'content-length': pdf.length }).end(pdf)) }, // prettier-ignore
    { name: 'in chunks', run: () => from((_, response) => {
      response.writeHead(200)
      for (let at = 0; at < pdf.length; at += 100) response.write(pdf.subarray(at, at + 100))
      response.end()
    }) }, // prettier-ignore
    { name: 'with the end of the connection', run: () => fromRaw(`HTTP/1.0 200 OK\r\n\r\n${pdf.toString('latin1')}`) },
    { name: 'with more behind it than was announced', run: () => fromRaw(`HTTP/1.1 200 OK\r\nContent-Length: ${pdf.length}\r\n\r\n${pdf.toString('latin1')}more`) }, // prettier-ignore
    { name: 'as a web page by its type', run: () => from((_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end(pdf)) }, // prettier-ignore
    { name: 'in the encoding identity', run: () => from((_, response) => void response.writeHead(200, { 'content-encoding': 'Identity' }).end(pdf)) }, // prettier-ignore
    { name: 'after a remark', run: () => fromRaw(`HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: ${pdf.length}\r\n\r\n${pdf.toString('latin1')}`) }, // prettier-ignore
    ...[301, 302, 303, 307, 308].map((status) => ({
      name: `after five redirects with status ${status}`,
      run: () => from((request, response) => {
        const hops = Number(request.url?.slice(1))
        if (hops === 5) response.end(pdf)
        else response.writeHead(status, { location: `${hops + 1}#fragment` }).end('elsewhere')
      }, {}, '/0'), // prettier-ignore
    })),
  ]
  for (const { name, run } of rows)
    it(name, async () => {
      const bytes = await within(run(), 10_000, name)
      assert.ok(pdf.equals(bytes))
    })

  it('and asks for what stands before a fragment alone, with nothing else', async () => {
    const requests: IncomingMessage[] = []
    await from(
      (request, response) => {
        requests.push(request)
        response.end(pdf)
      },
      {},
      '/a%20b/../c?d=e&f#g',
    )
    assert.deepEqual(
      requests.map(({ url, method }) => ({ url, method })),
      [{ url: '/c?d=e&f', method: 'GET' }],
    )
  })
})

describe('a download by TLS', () => {
  const trusted = getCACertificates('default')
  let server: Awaited<ReturnType<typeof listening>>
  let location: string | null = null

  before(async () => {
    server = await listening(
      createTlsServer(tlsFixture, (_, response) => {
        if (location === null) response.end(pdf)
        else response.writeHead(302, { location }).end()
      }),
    )
  })
  after(async () => {
    setDefaultCACertificates(trusted)
    await server[Symbol.asyncDispose]()
  })

  const get = (host: string) =>
    openAt(
      makeDownloads({ listed: [...listed, { host: 'other.example' }], resolve: async () => [{ address: '127.0.0.1', family: 4 }] }), // prettier-ignore
      `https://${host}:${server.port}/`,
    )

  it('fails where the certificate is not trusted', async () => {
    await assert.rejects(get('document.example'), failed(false, /document\.example has a certificate that is not trusted/)) // prettier-ignore
  })

  describe('where the certificate is trusted', () => {
    before(() => setDefaultCACertificates([...trusted, tlsFixture.cert]))

    for (const host of ['document.example', 'document.example.', '127.0.0.1'])
      it(`reaches ${host}`, async () => assert.ok(pdf.equals(await get(host))))

    it('fails where it is that of another host', async () => {
      await assert.rejects(get('other.example'), failed(false, /certificate/))
    })

    it('is not led to an address without TLS', async () => {
      location = `http://document.example:${server.port}/`
      await assert.rejects(get('document.example'), {
        code: 'url_not_allowed',
        message: /redirects.*from "https:" to "http:"/,
      })
    })
  })

  it('fails where the server does not speak it', async () => {
    await using plain = await listening(createServer((_, response) => void response.end(pdf)))
    await assert.rejects(openAt(makeDownloads({ listed }), `https://127.0.0.1:${plain.port}/`), failed(false, /TLS/))
  })
})

describe('what a download takes', () => {
  const budgetOf = (bytes: number) => createByteBudget({ bytes, largest: bytes, isShared: false })

  /** Sends the beginning, and the end once so many bytes are counted. */
  async function countedAs(held: number, head: Record<string, number>, beginning: number, end: number): Promise<void> {
    const budget = budgetOf(1_000_000)
    const answer: RequestListener = (_, response) => {
      response.writeHead(200, head).write('x'.repeat(beginning))
      const counted = eventually(() => budget.held === held, 5000, 'the bytes are counted')
      void counted.then(() => response.end('x'.repeat(end)), (error: Error) => response.destroy(error)) // prettier-ignore
    }
    const bytes = await from(answer, { budget })
    assert.equal(bytes.length, beginning + end)
    assert.equal(bytes.buffer.byteLength, bytes.length)
    assert.equal(budget.held, 0)
  }

  it('is counted while it arrives, and given back when it was opened', () =>
    countedAs(150_000, { 'content-length': 150_000 }, 10_000, 140_000))

  it('is counted as it grows where no length was announced', () => countedAs(131_072, {}, 100_000, 1))

  it('is given back when it fails', async () => {
    const budget = budgetOf(1_000_000)
    await assert.rejects(from((_, response) => void response.writeHead(200, { 'content-length': '9999' }).write('%PDF'), { idleSeconds: 0.2, budget })) // prettier-ignore
    assert.equal(budget.held, 0)
  })

  for (const [becomes, opens] of [
    ['open', () => Promise.resolve({ sha256: '', pageCount: 1 })],
    ['damaged', () => Promise.reject(new Error('It is damaged.'))],
  ] as const) {
    it(`is counted until the document turns out to be ${becomes}: many may wait for their turn`, async () => {
      const budget = budgetOf(1_000_000)
      await using server = await listening(createServer((_, response) => void response.end(pdf)))
      const facts = { param: 'the.field', filename: null, declaredMediaType: null, password: null }
      const source = await makeDownloads({ listed, budget })(`http://127.0.0.1:${server.port}/`, facts)
      const turn = Promise.withResolvers<void>()
      const rasterizer: Rasterizer = {
        open: async () => turn.promise.then(opens),
        rasterize: () => Promise.reject(new Error('no page is drawn')),
        forget: () => {},
        load: () => ({ drawers: 0, busy: 0, waiting: 0, bytes: 0 }),
        close: async () => {},
      }
      const { signal } = new AbortController()
      const opening = openDocument(source, rasterizer, { maxDocumentBytes: MAX_BYTES, turn: someone }, signal)
      await eventually(() => budget.held === pdf.length, 5000, 'the bytes are there, and counted')
      turn.resolve()
      await Promise.allSettled([opening])
      assert.equal(budget.held, 0)
    })
  }

  it('is refused where there is no room for more of it', async () => {
    const budget = budgetOf(3_000_000)
    await budget.reserve(2_600_000, { key: null, signal: () => new AbortController().signal })
    const receiving = from((_, response) => drip(response.writeHead(200), 'x'.repeat(500_000), 5), { budget, maxDocumentBytes: 2_000_000 }) // prettier-ignore
    await assert.rejects(receiving, { code: 'queue_full', retry: true })
    assert.equal(budget.held, 2_600_000)
  })

  it('is bounded for all documents of a request together, and not for those of others', async () => {
    await using server = await listening(createServer((_, response) => void response.end('x'.repeat(150_000))))
    const options = { listed, maxDocumentBytes: MAX_BYTES, maxRequestBytes: 250_000 }
    const url = `http://127.0.0.1:${server.port}/`
    const at = makeDownloads(options)
    assert.equal((await openAt(at, url)).length, 150_000)
    await assert.rejects(openAt(at, url), { code: 'document_too_large', param: 'the.field', message: /together larger than 250000 bytes/ }) // prettier-ignore
    assert.equal((await openAt(makeDownloads(options), url)).length, 150_000)
  })
})

const withoutTime = ({ host, outcome, bytes }: EndedDownload) => ({ host, outcome, bytes })

describe('a request that ends before its download', () => {
  const leftAt: { name: string; answer: RequestListener; resolve?: MadeDownloads['resolve'] }[] = [
    { name: 'is answered', answer: () => {} },
    {
      name: 'is whole',
      answer: (_, response) => void response.writeHead(200, { 'content-length': '9999' }).write('%'),
    },
    { name: 'has found its host', answer: () => {}, resolve: () => new Promise(() => {}) },
  ]
  for (const { name, answer, resolve = async () => [{ address: '127.0.0.1', family: 4 }] } of leftAt)
    it(`takes it with it: before it ${name}`, async () => {
      const server = createServer(answer)
      await using running = await listening(server)
      const ended: EndedDownload[] = []
      const budget = createByteBudget({ bytes: 1e6, largest: 1e6, isShared: false })
      const at = makeDownloads({ listed, resolve, budget, onEnd: (download) => ended.push(download) })
      const leave = new AbortController()
      const opening = openAt(at, `http://document.example:${running.port}/secret?token=secret`, leave.signal)
      const gone = new Error('The client has left.')
      setTimeout(() => leave.abort(gone), 100)
      await assert.rejects(within(opening, 2000, 'leaving'), gone)
      assert.deepEqual(ended.map(withoutTime), [{ host: 'document.example', outcome: 'left', bytes: 0 }]) // prettier-ignore
      const connections = () => new Promise<number>((done) => server.getConnections((_, count) => done(count)))
      await eventually(async () => (await connections()) === 0, 2000, 'the connection is closed')
      assert.equal(budget.held, 0)
    })
})

describe('what became of a download', () => {
  const rows: { name: string; answer: RequestListener; outcome: string; bytes?: number }[] = [
    { name: 'a document', answer: (_, response) => void response.end(pdf), outcome: 'ok', bytes: pdf.length },
    { name: 'a failure', answer: (_, response) => void response.writeHead(404).end(), outcome: 'failed' },
    { name: 'a forbidden redirect', answer: (_, response) => void response.writeHead(302, { location: 'http://10.0.0.1/secret' }).end(), outcome: 'refused' }, // prettier-ignore
    { name: 'a web page', answer: (_, response) => void response.end(html), outcome: 'refused' },
    { name: 'too much', answer: (_, response) => void response.end(Buffer.alloc(MAX_BYTES + 1)), outcome: 'too_large' },
  ]
  for (const { name, answer, outcome, bytes = 0 } of rows)
    it(`is told with the host alone: ${name}`, async () => {
      const ended: EndedDownload[] = []
      await from(answer, { onEnd: (download) => ended.push(download) }, '/secret?token=secret').catch(() => {})
      assert.deepEqual(ended.map(withoutTime), [{ host: '127.0.0.1', outcome, bytes }]) // prettier-ignore
    })
})
