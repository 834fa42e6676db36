import assert from 'node:assert/strict'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openFetched } from '../../../gateway/files/fetched-blob.ts'
import { useFolder } from '../../support/use-folder.ts'

const IDLE = 30_000
const away = { name: 'GatewayError', code: 'storage_unavailable' }

/** Reads a stream to its end. */
async function drain(stream: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(stream)).toString()
}

describe('bytes that a storage sends, as a stream', { timeout: 10_000 }, () => {
  const folder = useFolder()
  const open = (body: PassThrough, length: number) => openFetched(body, length, folder.path)

  it('come as they are', async () => {
    const body = new PassThrough()
    body.end('all of it')
    assert.equal(await drain(open(body, 9).stream()), 'all of it')
  })

  it('are refused as the storage’s failure where it breaks off, or sends less than it has said', async () => {
    const broken = new PassThrough()
    broken.write('half')
    setImmediate(() => broken.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' })))
    await assert.rejects(drain(open(broken, 8).stream()), away)
    const short = new PassThrough()
    short.end('half')
    await assert.rejects(drain(open(short, 8).stream()), away)
  })

  it('are not waited for where the storage stands still, and are where their reader does', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const body = new PassThrough()
    body.write('half')
    const pieces = open(body, 8).stream()[Symbol.asyncIterator]()
    assert.equal(String((await pieces.next()).value), 'half')
    body.write('more')
    await nextTurns()
    // Nobody takes what has come.
    t.mock.timers.tick(2 * IDLE)
    assert.equal(String((await pieces.next()).value), 'more')
    const still = new PassThrough()
    still.write('half')
    const waiting = assert.rejects(drain(open(still, 8).stream()), away)
    await nextTurns()
    t.mock.timers.tick(IDLE + 1)
    await waiting
  })

  it('hold no connection where nobody reads them', async () => {
    const body = new PassThrough()
    const stream = open(body, 8).stream()
    stream.destroy()
    await once(stream, 'close')
    await delay(1)
    assert.ok(body.destroyed)
  })
})

/** Lets streams do what they can do at once. */
async function nextTurns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => void setImmediate(resolve))
}
