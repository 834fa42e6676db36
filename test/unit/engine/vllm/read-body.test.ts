import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { PassThrough } from 'node:stream'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { Pool } from 'undici'
import { readBody } from '../../../../gateway/engine/vllm/read-body.ts'
import { eventually, within } from '../../../support/within.ts'

const DEADLINE = 5000

/** A server that answers as `answer` writes; so many `connections` were opened to it, and so many answers `left` before their end. */
async function start(answer: (response: ServerResponse) => void) {
  const counts = { connections: 0, left: 0 }
  const server = createServer((_, response) => {
    response.once('close', () => (counts.left += response.writableFinished ? 0 : 1))
    answer(response)
  })
  server.on('connection', () => (counts.connections += 1))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const pool = new Pool(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return {
    counts,
    /** Reads until `[DONE]`. */
    async read(onRead: (text: string) => boolean = (text) => text.includes('[DONE]')) {
      const { body } = await pool.request({ method: 'GET', path: '/' })
      let text = ''
      const broken = await readBody(body, (bytes) => onRead((text += Buffer.from(bytes).toString())))
      return { text, broken }
    },
    async [Symbol.asyncDispose]() {
      await pool.destroy()
      server.closeAllConnections()
      server.close()
    },
  }
}

const LONG = 'x'.repeat(5000)

describe('the body of an answer', () => {
  it('is read to its end', async () => {
    await using server = await start((response) => response.end(LONG))
    const { text, broken } = await within(server.read(), DEADLINE, 'the body')
    assert.deepEqual([text.length, broken], [5000, null])
  })

  it('is handed over burst by burst, however many chunks a burst has', async () => {
    await using server = await start((response) => {
      response.cork()
      for (let chunk = 0; chunk < 100; chunk++) response.write(`${chunk}\n`)
      response.uncork()
      setTimeout(() => response.end('[DONE]'), 50)
    })
    let bursts = 0
    const { text } = await server.read((all) => {
      bursts += 1
      return all.includes('[DONE]')
    })
    assert.equal(text.split('\n').length, 101)
    assert.ok(bursts <= 4, `${bursts} bursts`)
  })

  it('lets others have their turn, however much has come', async () => {
    await using server = await start((response) => {
      response.end(Buffer.alloc(4_000_000, 'x'))
    })
    let [inTurn, most, before] = [0, 0, 0]
    const others = new AbortController()
    const turns = (async () => {
      for (; !others.signal.aborted; inTurn = 0) await nextTurn()
    })()
    await server.read((all) => {
      // Much comes meanwhile.
      if (before === 0) for (const until = performance.now() + 100; performance.now() < until;);
      inTurn += all.length - before
      before = all.length
      most = Math.max(most, inTurn)
      return false
    })
    others.abort()
    await turns
    assert.equal(before, 4_000_000)
    assert.ok(most <= 3 * 65_536, `${most} bytes in a turn`)
  })

  it('is not waited for once nothing more is wanted, and its connection is used again when it has ended', async () => {
    await using server = await start((response) => {
      response.write(`${LONG}[DONE]`)
      setTimeout(() => response.end('\n'), 500)
    })
    for (let page = 0; page < 2; page++) {
      const { text, broken } = await within(server.read(), 450, 'the text')
      assert.deepEqual([text.length, broken], [5006, null])
      await pause(700)
    }
    assert.deepEqual(server.counts, { connections: 1, left: 0 })
  })

  it('is left where more than a line follows, and where it does not end', async () => {
    const rests: readonly (readonly [(response: ServerResponse) => void, within: number])[] = [
      [(response) => response.write(LONG), 500],
      [() => {}, 3000],
    ]
    for (const [rest, milliseconds] of rests) {
      await using server = await start((response) => {
        response.write('[DONE]')
        setTimeout(() => rest(response), 50)
      })
      assert.deepEqual(await within(server.read(), DEADLINE, 'the text'), { text: '[DONE]', broken: null })
      await eventually(() => server.counts.left === 1, milliseconds, 'it is left')
    }
  })

  it('is left when what takes it throws, which is thrown', async () => {
    await using server = await start((response) => response.write('x'))
    const reason = new Error('enough')
    const refuse = () => {
      throw reason
    }
    await assert.rejects(within(server.read(refuse), DEADLINE, 'the refusal'), reason)
    await eventually(() => server.counts.left === 1, 2000, 'it is left')
  })

  it('that is over before it is read says so at once', async () => {
    for (const [error, expected] of [
      [new Error('broken'), /broken/],
      [undefined, /closed/],
    ] as const) {
      const body = new PassThrough()
      body.on('error', () => {})
      body.destroy(error)
      await once(body, 'close').catch(() => {})
      assert.match(
        String(
          await within(
            readBody(body, () => false),
            DEADLINE,
            'the body',
          ),
        ),
        expected,
      )
    }
  })

  it('says why it broke off', async () => {
    await using server = await start((response) => {
      response.write('x')
      setTimeout(() => response.destroy(), 50)
    })
    const { text, broken } = await within(server.read(), DEADLINE, 'the body')
    assert.deepEqual([text, broken instanceof Error], ['x', true])
  })
})
