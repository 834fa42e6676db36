import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startFakeVllm, type FakeVllm, type FakeVllmOptions } from '../fakes/fake-vllm.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { eventually, within } from '../support/within.ts'

const TIMEOUT = 30_000
const DEADLINE = 10_000

async function start(answer: NonNullable<FakeVllmOptions['answer']>) {
  const fake = await startFakeVllm({ answer })
  const gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
  const post = (body: object, signal: AbortSignal | null = null, headers: Record<string, string> = {}) =>
    fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal,
    })
  const counted = async (status: number) => {
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text()
    return metrics.includes(`requests_total{route="/v1/chat/completions",status="${status}"} 1`)
  }
  const stop = async () => {
    await gateway[Symbol.asyncDispose]()
    await fake.kill()
  }
  return { fake, gateway, post, counted, [Symbol.asyncDispose]: stop }
}

const chat = (stream: boolean) => ({ model: 'default', stream, messages: [{ role: 'user', content: 'Hello?' }] })

describe('a chat that is passed through', { timeout: TIMEOUT }, () => {
  it('has its status before its first token', async () => {
    await using setup = await start(() => ({ deltas: ['Hello'], firstDelayMs: 60_000 }))
    const leaving = new AbortController()
    const response = await within(setup.post(chat(true), leaving.signal), DEADLINE, 'the status')
    assert.equal(response.status, 200)
    leaving.abort()
  })

  it('ends at the upstream when its client leaves, and counts as 499', async () => {
    await using setup = await start(() => ({ deltas: ['Hel', 'lo'], delayMs: 60_000 }))
    const leaving = new AbortController()
    const response = await setup.post(chat(true), leaving.signal)
    await within(response.body?.getReader().read() ?? Promise.reject(new Error('no body')), DEADLINE, 'the first text')
    leaving.abort()
    await eventually(() => setup.fake.requests[0]?.aborted === true, DEADLINE, 'the generation ends')
    await eventually(() => setup.counted(499), DEADLINE, 'the request is counted')
    assert.equal(setup.gateway.services.upstreams.status()[0]?.inFlight, 0)
  })

  it('ends at the upstream when its client leaves before there is an answer', async () => {
    await using setup = await start(() => ({ silent: true }))
    const leaving = new AbortController()
    const response = setup.post(chat(false), leaving.signal)
    await eventually(() => setup.fake.requests.length === 1, DEADLINE, 'the upstream is asked')
    leaving.abort()
    await assert.rejects(response)
    await eventually(() => setup.fake.requests[0]?.aborted === true, DEADLINE, 'the generation ends')
    await eventually(() => setup.counted(499), DEADLINE, 'the request is counted')
  })

  it('breaks off when the upstream does, so that half an answer is not taken for a whole one', async () => {
    await using setup = await start(() => ({ text: 'half', ending: 'break' }))
    const response = await setup.post(chat(true))
    await assert.rejects(within(response.text(), DEADLINE, 'the break'), /terminated/)
    await eventually(() => setup.counted(200), DEADLINE, 'the request is counted')
  })

  it('keeps its characters, whatever their alphabet and however long the message', async () => {
    await using setup = await start(({ body }) => JSON.stringify(body?.messages?.[0]?.content))
    const content = 'Ünïcode 文字 \\" \u2028 🙂 '.repeat(1000)
    const response = await setup.post({ ...chat(false), messages: [{ role: 'user', content }] })
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] }
    assert.equal(choices[0]?.message.content, JSON.stringify(content))
  })
})

describe('a chat whose vLLM sleeps', { timeout: TIMEOUT }, () => {
  interface Failure {
    readonly error: { readonly code: string }
  }

  async function startSleepy(fakes: readonly FakeVllm[]) {
    const gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fakes.map(({ url }) => url).join(),
      GATEWAY_MODEL_PROFILES: 'letters=none',
    })
    const ask = async (path = '/v1/chat/completions', body: object = chat(false)) => {
      const startedAt = performance.now()
      const response = await within(
        fetch(`${gateway.url}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
        3000,
        'the answer',
      )
      const { status, headers } = response
      const { error } = (await response.json()) as Partial<Failure>
      const seconds = (performance.now() - startedAt) / 1000
      return { status, seconds, code: error?.code, retry: headers.get('x-should-retry') }
    }
    return { gateway, ask, [Symbol.asyncDispose]: () => gateway.stop() }
  }

  it('is refused as a document is, whether it is known to sleep or not, and answered when it is awake', async () => {
    await using sleeper = await startFakeVllm({ devMode: true, models: ['lightonai/LightOnOCR-2-1B', 'letters'] })
    await using setup = await startSleepy([sleeper])
    sleeper.sleep()
    const completion = { model: 'letters', prompt: 'Hello' }
    const asked = [
      await setup.ask(),
      await setup.ask(),
      await setup.ask('/v1/chat/completions', chat(true)),
      await setup.ask('/v1/completions', completion),
    ]
    for (const { status, code, retry } of asked)
      assert.deepEqual([status, code, retry], [503, 'engine_unavailable', 'true'])
    assert.equal(sleeper.requests.length, 0, 'nothing is sent to it')
    assert.equal(setup.gateway.services.upstreams.status()[0]?.inFlight, 0)
    sleeper.wake()
    await eventually(async () => (await setup.ask()).status === 200, DEADLINE, 'it answers again')
  })

  it('goes to another one that is awake', async () => {
    await using sleeper = await startFakeVllm({ devMode: true })
    await using other = await startFakeVllm({ devMode: true })
    await using setup = await startSleepy([sleeper, other])
    sleeper.sleep()
    for (let time = 0; time < 4; time++) assert.equal((await setup.ask()).status, 200)
    assert.deepEqual([sleeper.requests.length, other.requests.length], [0, 4])
  })

  it('is given up when it is put to sleep before it answers', async () => {
    await using sleeper = await startFakeVllm({ devMode: true, answer: () => ({ silent: true }) })
    await using setup = await startSleepy([sleeper])
    const asked = setup.ask()
    await eventually(() => sleeper.requests.length === 1, DEADLINE, 'it is asked')
    sleeper.sleep()
    await new Promise((resolve) => setTimeout(resolve, 1000))
    await setup.gateway.services.upstreams.refresh(AbortSignal.timeout(DEADLINE))
    assert.deepEqual((await asked).code, 'engine_unavailable')
    await eventually(() => sleeper.requests[0]?.aborted === true, DEADLINE, 'it is left')
  })

  it('costs a vLLM that cannot sleep no question', async () => {
    await using fake = await startFakeVllm()
    await using setup = await startSleepy([fake])
    const questions = () => fake.calls.get('GET /is_sleeping')
    const before = questions()
    assert.equal((await setup.ask()).status, 200)
    assert.equal(questions(), before)
  })
})
