import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { createResolve, type Resolve } from '../../gateway/document/download/resolve.ts'
import { within } from '../support/within.ts'

const A = 1
const AAAA = 28
const [NO_ERROR, SERVER_FAILED, NO_SUCH_NAME] = [0, 2, 3]

/** What the name server answers, by name and type of record; null: nothing at all. */
const zone: Record<string, Record<number, string[]> | number | null> = {
  'both.example': { [A]: ['93.184.216.34', '10.0.0.1'], [AAAA]: ['fd00::1'] },
  'four.example': { [A]: ['93.184.216.34'] },
  'six.example': { [AAAA]: ['2001:db8::1'] },
  'bare.example': {},
  'failing.example': SERVER_FAILED,
  'silent.example': null,
  localhost: { [A]: ['93.184.216.34'] },
}

function nameIn(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  return { name: labels.join('.'), type: query.readUInt16BE(at + 1), end: at + 5 }
}

function bytesOf(address: string, type: number): Buffer {
  if (type === A) return Buffer.from(address.split('.').map(Number))
  const [head = '', tail = ''] = address.split('::')
  const words = (text: string) => text.split(':').filter(Boolean).map((word) => parseInt(word, 16)) // prettier-ignore
  const [front, back] = [words(head), words(tail)]
  const all = [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back]
  return Buffer.from(all.flatMap((word) => [word >> 8, word & 255]))
}

function answerTo(query: Buffer): Buffer | null {
  const { name, type, end } = nameIn(query)
  const known = zone[name.toLowerCase()]
  if (known === null) return null
  const code = known === undefined ? NO_SUCH_NAME : typeof known === 'number' ? known : NO_ERROR
  const addresses = typeof known === 'object' ? (known[type] ?? []) : []
  const head = Buffer.from(query.subarray(0, end))
  head.writeUInt16BE(0x8180 | code, 2)
  head.writeUInt16BE(addresses.length, 6)
  head.writeUInt32BE(0, 8)
  const records = addresses.map((address) => {
    const data = bytesOf(address, type)
    return Buffer.concat([Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length]), data])
  })
  return Buffer.concat([head, ...records])
}

describe('the addresses of a name', () => {
  let server: Socket
  let resolve: Resolve
  const asked: string[] = []

  before(async () => {
    server = createSocket('udp4', (query, { address, port }) => {
      asked.push(nameIn(query).name)
      const answer = answerTo(query)
      if (answer !== null) server.send(answer, port, address)
    })
    server.bind(0, '127.0.0.1')
    await once(server, 'listening')
    resolve = createResolve([`127.0.0.1:${server.address().port}`])
  })
  after(() => server.close())

  const find = (name: string, isListed = false, signal = new AbortController().signal) =>
    within(Promise.resolve(resolve(name, isListed, signal)), 5000, name)

  for (const { name, addresses } of [
    { name: 'both.example', addresses: ['93.184.216.34', '10.0.0.1', 'fd00::1'] },
    { name: 'both.example.', addresses: ['93.184.216.34', '10.0.0.1', 'fd00::1'] },
    { name: 'four.example', addresses: ['93.184.216.34'] },
    { name: 'six.example', addresses: ['2001:db8::1'] },
  ])
    it(`are all that its name servers know: ${name}`, async () => {
      assert.deepEqual((await find(name)).map(({ address }) => address), addresses) // prettier-ignore
    })

  for (const [name, code] of [
    ['unknown.example', 'ENOTFOUND'],
    ['bare.example', 'ENODATA'],
    ['failing.example', 'ESERVFAIL'],
  ] as const)
    it(`are not found: ${name}`, async () => assert.rejects(find(name), { code }))

  it('are asked of the system for a name that is listed, which knows the host itself', async () => {
    asked.length = 0
    assert.ok((await find('localhost', true)).some(({ address }) => /^127\.|^::1$/.test(address)))
    assert.deepEqual(asked, [])
  })

  it('are not waited for by who has left', async () => {
    const leave = new AbortController()
    setTimeout(() => leave.abort(), 50)
    await assert.rejects(find('silent.example', false, leave.signal), { code: 'ECANCELLED' })
  })
})
