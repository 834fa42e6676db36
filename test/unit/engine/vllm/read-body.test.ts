import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Pool } from 'undici'
import { readBody } from '../../../../gateway/engine/vllm/read-body.ts'
import { eventually, within } from '../../../support/within.ts'

const DEADLINE = 5000

/** A server that answers as `answer` writes; `connections` were opened to it, `closed` of its answers were left or ended. */
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

  it('is not waited for once nothing more is wanted, and its connection is used again when it has ended', async () => {
    await using server = await start((response) => {
      response.write(`${LONG}[DONE]`)
      setTimeout(() => response.end('\n'), 100)
    })
    for (let page = 0; page < 3; page++) {
      const { text, broken } = await within(server.read(), 80, 'the text')
      assert.deepEqual([text.length, broken], [5006, null])
      await pause(200)
    }
    assert.deepEqual(server.counts, { connections: 1, left: 0 })
  })

  it('is left where more than a line follows, and where it does not end', async () => {
    const rests: readonly ((response: ServerResponse) => void)[] = [(response) => response.write(LONG), () => {}]
    for (const rest of rests) {
      await using server = await start((response) => {
        response.write('[DONE]')
        setTimeout(() => rest(response), 50)
      })
      assert.deepEqual(await within(server.read(), DEADLINE, 'the text'), { text: '[DONE]', broken: null })
      await eventually(() => server.counts.left === 1, 2000, 'it is left')
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

  it('says why it broke off', async () => {
    await using server = await start((response) => {
      response.write('x')
      setTimeout(() => response.destroy(), 50)
    })
    const { text, broken } = await within(server.read(), DEADLINE, 'the body')
    assert.deepEqual([text, broken instanceof Error], ['x', true])
  })
})
