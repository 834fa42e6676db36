import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { useFolder } from '../support/use-folder.ts'
import { cleanEnvironment } from '../support/clean-environment.ts'
import { eventually, within } from '../support/within.ts'

const TIMEOUT = 120_000
const folder = useFolder()
const project = join(import.meta.dirname, '../..')

/** Runs `npm start` in a process group of its own, as a supervisor does. Only npm is known, and gets the signals. */
async function npmStart(environment: Readonly<Record<string, string>>) {
  const npm = spawn('npm', ['start', '--no-update-notifier'], {
    cwd: project,
    detached: true,
    env: { ...cleanEnvironment, GATEWAY_PORT: '0', GATEWAY_DATA_DIR: folder.path, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(npm, 'exit') as Promise<[number | null, string | null]>
  const output = { text: '' }
  for (const stream of [npm.stdout, npm.stderr]) stream.on('data', (data: Buffer) => (output.text += data.toString()))
  const listening = () => /listens on (http:\S+)/.exec(output.text)?.[1]
  await eventually(() => listening() !== undefined || npm.exitCode !== null, 20_000, 'the start')
  const url = listening()
  assert.ok(url !== undefined, output.text)
  return {
    npm,
    url,
    exited,
    output,
    async [Symbol.asyncDispose]() {
      try {
        process.kill(-(npm.pid ?? 0), 'SIGKILL')
      } catch {
        // The whole group has ended.
      }
    },
  }
}

const answers = (url: string): Promise<boolean> =>
  fetch(`${url}/health`).then(
    () => true,
    () => false,
  )

const ask = (url: string): Promise<Response> => {
  const messages = [{ role: 'user', content: [filePart(makePdf([{ number: 1 }]))] }]
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ model: 'default', messages })
  return fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body })
}

describe('npm start', { timeout: TIMEOUT }, () => {
  for (const [name, signals] of [
    ['SIGTERM', ['SIGTERM']],
    ['SIGINT from npm and from the terminal', ['SIGINT', 'SIGINT']],
  ] as const) {
    it(`drains on ${name}, frees its port, and ends with 0`, async () => {
      await using fake = await startFakeVllm({ answer: () => ({ text: 'finished', firstDelayMs: 1500 }) })
      await using gateway = await npmStart({ GATEWAY_UPSTREAM_URLS: fake.url })
      const running = ask(gateway.url)
      await eventually(() => fake.requests.length === 1, 10_000, 'the page is in flight')
      for (const signal of signals) gateway.npm.kill(signal)
      await eventually(async () => !(await answers(gateway.url)), 5000, 'nothing new is taken')
      const response = await within(running, 10_000, 'the running request')
      assert.match(await response.text(), /finished/)
      assert.deepEqual(await within(gateway.exited, 10_000, 'the exit'), [0, null])
      assert.equal(await answers(gateway.url), false)
    })
  }

  it('ends with an npm that is killed', async () => {
    await using fake = await startFakeVllm({ answer: () => ({ text: 'finished', firstDelayMs: 2500 }) })
    await using gateway = await npmStart({ GATEWAY_UPSTREAM_URLS: fake.url })
    const running = ask(gateway.url)
    await eventually(() => fake.requests.length === 1, 10_000, 'the page is in flight')
    gateway.npm.kill('SIGKILL')
    await gateway.exited
    await eventually(() => gateway.output.text.includes('npm has ended'), 5000, 'it drains')
    assert.match(await (await within(running, 10_000, 'the running request')).text(), /finished/)
    await eventually(async () => !(await answers(gateway.url)), 5000, 'the port is free')
  })
})
