import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PageFailure } from '../../gateway/read/guard/page-failure.ts'
import { createGuard } from '../../gateway/read/guard/guard.ts'
import type { AttemptReport, GuardOptions } from '../../gateway/read/guard/guard.ts'
import type { PageAnswer } from '../../gateway/read/page-answer.ts'
import type { PageToRead } from '../../gateway/read/page-to-read.ts'
import { createUpstreams } from '../../gateway/upstream/upstreams.ts'
import { createVllmEngine } from '../../gateway/engine/vllm/engine.ts'
import { GatewayError } from '../../gateway/errors.ts'
import { hunyuanocr10 } from '../../gateway/profile/models/hunyuanocr.ts'
import { lightonocr2 } from '../../gateway/profile/models/lightonocr.ts'
import { toDeltas } from '../fakes/fake-vllm-answer.ts'
import type { Answer, FakeRequest } from '../fakes/fake-vllm-answer.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import type { FakeVllm, FakeVllmOptions } from '../fakes/fake-vllm.ts'
import { grayPageImage, noisyPageImage, pageToRead, servedModel } from '../support/page-prompt.ts'
import { eventually, within } from '../support/within.ts'

const DEADLINE = 10_000

/** A good page. */
const GOOD = '# Minutes\n\nThe meeting was opened at nine.'

const BUDGET = lightonocr2.maxOutputTokens

interface Setup extends FakeVllmOptions {
  /** What each request is answered in turn; the last one ever after. */
  readonly answers?: readonly Answer[]
  readonly others?: readonly FakeVllm[]
  readonly guard?: Partial<GuardOptions>
  readonly idleTimeoutSeconds?: number
}

async function start({ answers = [], others = [], guard, idleTimeoutSeconds = 5, ...options }: Setup) {
  let asked = 0
  const answer = () => answers[Math.min(asked++, answers.length - 1)] ?? GOOD
  const fake = await startFakeVllm({ answer, ...options })
  const upstreams = createUpstreams({
    urls: [fake, ...others].map(({ url }) => url),
    apiKey: null,
    refreshSeconds: 3600,
    connectTimeoutSeconds: 1,
    concurrency: null,
    patienceSeconds: 0,
    chooseProfile: () => lightonocr2,
  })
  await upstreams.refresh(AbortSignal.timeout(DEADLINE))
  const reports: AttemptReport[] = []
  const engine = createVllmEngine({ upstreams, firstTokenTimeoutSeconds: 60, idleTimeoutSeconds })
  const ask = createGuard(engine, {
    totalTimeoutSeconds: 60,
    backoffMilliseconds: () => 1,
    maxImageTokens: (modelId) => upstreams.maxImageTokens(modelId),
    onAttempt: (report) => reports.push(report),
    ...guard,
  })
  return {
    fake,
    upstreams,
    reports,
    temperatures: () => fake.requests.map(({ body }) => body?.['temperature']),
    read: async (page: PageToRead = lightonPage(), signal: AbortSignal = AbortSignal.timeout(DEADLINE)) =>
      within(ask(page, await page.draw(signal), signal), DEADLINE, 'the page'),
    async [Symbol.asyncDispose]() {
      await upstreams.close()
      await fake.kill()
    },
  }
}

const lightonPage = (page: Parameters<typeof pageToRead>[0] = {}): PageToRead =>
  pageToRead({ model: servedModel(lightonocr2), ...page })

function verdict({ finishReason, attempts, reasons }: PageAnswer) {
  return { finishReason, attempts, reasons }
}

async function failureOf(read: Promise<unknown>): Promise<GatewayError> {
  const error = await read.then(
    () => null,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof GatewayError, `a GatewayError expected, got ${String(error)}`)
  return error
}

const vllmError = (status: number, message = 'No.'): Answer => ({
  failure: { status, body: { error: { message, type: 'X', param: null, code: status } } },
})

/** A page that says something and then the same line until its tokens are spent, one after the other, and counts them. */
function looping(line: string) {
  const deltas = toDeltas(`# Minutes\n\n${line.repeat(BUDGET)}`).slice(0, BUDGET)
  let sent = 0
  const counted = Object.assign([...deltas], {
    *entries() {
      for (const [index, delta] of deltas.entries()) {
        sent += 1
        yield [index, delta]
      }
    },
  }) as readonly string[]
  // The shortest pause that there is: what is not read at once is still not written.
  return { answer: { deltas: counted, delayMs: 1, finishReason: 'length' }, sent: () => sent }
}

describe('the guard', { timeout: 60_000 }, () => {
  it('lets a good page through, and asks once', async () => {
    await using setup = await start({ answers: [GOOD] })
    const page = await setup.read()
    assert.equal(page.text, GOOD)
    assert.deepEqual(verdict(page), { finishReason: 'stop', attempts: 1, reasons: [] })
    assert.equal(page.usage.completionTokens, 9)
    assert.deepEqual(setup.temperatures(), [0.2])
    assert.equal(setup.fake.requests[0]?.body?.['repetition_detection'], undefined)
    assert.deepEqual(
      setup.reports.map(({ model, reason, usage }) => [model, reason, usage?.completionTokens]),
      [['lightonai/LightOnOCR-2-1B', null, 9]],
    )
  })

  const repaired: readonly { name: string; first: Answer; reason: string; temperatures: readonly number[] }[] = [
    { name: 'an empty answer', first: '', reason: 'empty', temperatures: [0.2, 0.4] },
    { name: 'an answer of white space', first: ' \n', reason: 'empty', temperatures: [0.2, 0.4] },
    {
      name: 'the remark about an empty page',
      first: 'There is no content in the provided image to convert into Markdown format.',
      reason: 'commentary',
      temperatures: [0.2, 0.4],
    },
    { name: 'sixty exclamation marks', first: '!'.repeat(60), reason: 'garbled', temperatures: [0.2, 0.4] },
    {
      name: 'an answer to a prompt whose image was dropped',
      first: { text: '# An invented page', promptTokens: 12 },
      reason: 'engine_error',
      temperatures: [0.2, 0.2],
    },
    {
      name: 'an answer cut off',
      first: { text: '# Min', finishReason: 'length' },
      reason: 'cut_off',
      temperatures: [0.2, 0.4],
    },
    {
      name: 'a loop that the engine found',
      first: { text: 'la la', finishReason: 'repetition' },
      reason: 'loop',
      temperatures: [0.2, 0.4],
    },
    {
      name: 'an answer that the engine aborted',
      first: { text: '# Min', finishReason: 'abort' },
      reason: 'aborted',
      temperatures: [0.2, 0.2],
    },
    { name: 'a 500', first: vllmError(500), reason: 'engine_error', temperatures: [0.2, 0.2] },
    { name: 'a 503', first: vllmError(503), reason: 'engine_unavailable', temperatures: [0.2, 0.2] },
    {
      name: 'a 503 in a bare string',
      first: { failure: { status: 503, body: { error: 'The model is currently scaling.' } } },
      reason: 'engine_unavailable',
      temperatures: [0.2, 0.2],
    },
    { name: 'a closed socket', first: { refuse: true }, reason: 'engine_unavailable', temperatures: [0.2, 0.2] },
    {
      name: 'a broken stream',
      first: { text: '# Min', ending: 'break' },
      reason: 'engine_error',
      temperatures: [0.2, 0.2],
    },
    {
      name: 'an error inside the stream',
      first: { text: '# Min', ending: 'error' },
      reason: 'engine_error',
      temperatures: [0.2, 0.2],
    },
    {
      name: 'a stream that ends without an end',
      first: { text: '# Min', ending: 'end' },
      reason: 'engine_error',
      temperatures: [0.2, 0.2],
    },
  ]
  for (const { name, first, reason, temperatures } of repaired) {
    it(`repairs ${name}`, async () => {
      await using setup = await start({ answers: [first, GOOD] })
      const page = await setup.read()
      assert.equal(page.text, GOOD)
      assert.deepEqual(verdict(page), { finishReason: 'stop', attempts: 2, reasons: [reason] })
      assert.deepEqual(setup.temperatures(), temperatures)
      assert.deepEqual(
        setup.reports.map((report) => report.reason),
        [reason, null],
      )
      assert.deepEqual(setup.fake.requests[1]?.body?.['repetition_detection'], {
        min_pattern_size: 128,
        max_pattern_size: 256,
        min_count: 25,
      })
    })
  }

  it('goes elsewhere when an upstream drops the image, and says so when there is no other', async () => {
    const dropping = { text: '# An invented page', promptTokens: 12 }
    const other = await startFakeVllm({ answer: () => GOOD })
    try {
      await using setup = await start({ answers: [dropping], others: [other] })
      const pages = [await setup.read(), await setup.read()]
      assert.deepEqual(
        pages.map(({ text }) => text),
        [GOOD, GOOD],
      )
      assert.equal(other.requests.length, 2)
    } finally {
      await other.kill()
    }
    await using alone = await start({ answers: [dropping] })
    const { code, message } = await failureOf(alone.read())
    assert.equal(code, 'engine_error')
    assert.match(message, /^The upstream dropped the image/)
  })

  for (const { name, promptTokens } of [
    { name: 'does not count tokens', promptTokens: 0 },
    { name: 'counts them by a rule of its own', promptTokens: 60 },
  ])
    it(`believes an upstream that ${name}`, async () => {
      await using setup = await start({ answers: [{ text: GOOD, promptTokens }] })
      const page = lightonPage({ draw: () => grayPageImage(1089, 1540) })
      assert.deepEqual(verdict(await setup.read(page)), { finishReason: 'stop', attempts: 1, reasons: [] })
    })

  const loops: readonly { name: string; line: string }[] = [
    { name: 'a line', line: 'The same line again and again.\n' },
    { name: 'a table row', line: '| 0.00 | Total | EUR |\n' },
    { name: 'empty cells', line: '<td></td> ' },
    { name: 'one word', line: 'the ' },
  ]
  for (const { name, line } of loops) {
    it(`cuts a loop before it has cost a tenth of its tokens, and repairs the page: ${name}`, async () => {
      const { answer, sent } = looping(line)
      await using setup = await start({ answers: [answer, GOOD] })
      const page = await setup.read()
      assert.deepEqual(verdict(page), { finishReason: 'stop', attempts: 2, reasons: ['loop'] })
      assert.equal(page.text, GOOD)
      const [cut] = setup.fake.requests
      await eventually(() => cut?.endedAt != null, DEADLINE, 'the looping request has ended')
      assert.equal(cut?.aborted, true, 'the engine was left')
      assert.ok(sent() < BUDGET / 10, `${sent()} tokens were sent`)
    })
  }

  it('gives up after the last rung with the best text, each loop left out but one copy', async () => {
    const loop = 'and so on and on and on, '
    await using setup = await start({ answers: ['', looping(loop).answer, { text: 'short', finishReason: 'length' }] })
    const page = await setup.read()
    assert.deepEqual(verdict(page), {
      finishReason: 'repetition',
      attempts: 3,
      reasons: ['empty', 'loop', 'cut_off'],
    })
    assert.equal(page.text, `# Minutes\n\n${loop}`)
    assert.deepEqual(setup.temperatures(), [0.2, 0.4, 0.7])
    assert.deepEqual([page.width, page.height, page.engine], [280, 140, 'vllm'])
  })

  it('says that a page came back empty every time', async () => {
    await using setup = await start({ answers: [''] })
    const page = await setup.read()
    assert.equal(page.text, '')
    assert.deepEqual(verdict(page), { finishReason: 'empty', attempts: 3, reasons: ['empty', 'empty', 'empty'] })
  })

  it('throws the last error when nothing was ever said, and tells of all attempts', async () => {
    await using setup = await start({ answers: [vllmError(503), vllmError(500)] })
    const error = await failureOf(setup.read())
    assert.ok(error instanceof PageFailure)
    assert.deepEqual([error.code, error.retry], ['engine_error', true])
    // What no engine took is not one of the three tries that a page is worth.
    assert.deepEqual(error.reasons, ['engine_unavailable', 'engine_error', 'engine_error', 'engine_error'])
    assert.equal(setup.fake.requests.length, 4)
  })

  for (const status of [400, 401, 422, 501]) {
    it(`does not ask again what was refused for good: ${status}`, async () => {
      await using setup = await start({ answers: [vllmError(status)] })
      const error = await failureOf(setup.read())
      assert.deepEqual([error.code, error.retry], ['engine_error', false])
      assert.equal(setup.fake.requests.length, 1)
    })
  }

  it('changes the seed and lets go of top_k where greedy decoding failed', async () => {
    const model = servedModel(hunyuanocr10, { id: 'tencent/HunyuanOCR', maxModelLen: 32_768 })
    await using setup = await start({ models: ['tencent/HunyuanOCR'], answers: ['', '', GOOD] })
    const page = await setup.read(pageToRead({ model }))
    assert.deepEqual(verdict(page), { finishReason: 'stop', attempts: 3, reasons: ['empty', 'empty'] })
    assert.deepEqual(
      setup.fake.requests.map(({ body }) => [body?.['temperature'], body?.['top_k'], body?.['seed']]),
      [
        [0, 1, 1234],
        [0.2, -1, 1235],
        [0.5, -1, 1236],
      ],
    )
    assert.deepEqual(setup.fake.layoutProblems, [])
  })

  it('does not take the prompt said back for a page', async () => {
    const model = servedModel(hunyuanocr10, { id: 'tencent/HunyuanOCR', maxModelLen: 32_768 })
    const prompt = pageToRead({ model })
    await using setup = await start({ models: ['tencent/HunyuanOCR'], answers: [prompt.question.prompt ?? '', GOOD] })
    assert.deepEqual(verdict(await setup.read(prompt)), { finishReason: 'stop', attempts: 2, reasons: ['echo'] })
  })

  it('shows a page smaller, once, when it does not fit the context', async () => {
    const tooLong = "This model's maximum context length is 2000 tokens. However, you requested 2100."
    await using setup = await start({ answers: [vllmError(400, tooLong), GOOD] })
    const page = await setup.read(lightonPage({ draw: () => grayPageImage(560, 280) }))
    assert.deepEqual(verdict(page), { finishReason: 'stop', attempts: 2, reasons: ['too_long'] })
    assert.deepEqual(
      setup.fake.requests.map(({ image }) => [image?.width, image?.height]),
      [
        [560, 280],
        [396, 198],
      ],
    )
    assert.deepEqual([page.width, page.height], [396, 198])
    setup.fake.setAnswer(() => vllmError(400, tooLong))
    const error = await failureOf(setup.read())
    assert.equal(error.retry, false)
    assert.equal(setup.fake.requests.length, 4)
  })

  it('shows a page as much smaller as the engine says that it must be', async () => {
    const tooLong = "Input length (250) exceeds model's maximum context length (300)."
    await using setup = await start({ answers: [vllmError(400, tooLong.replace('300', '240')), GOOD] })
    const page = await setup.read(lightonPage({ draw: () => grayPageImage(560, 560) }))
    assert.deepEqual(verdict(page), { finishReason: 'stop', attempts: 2, reasons: ['too_long'] })
    // Half of the context is left to the answer: 400 tokens become at most 400 * 120 / 250.
    const [, second] = setup.fake.requests
    assert.deepEqual([second?.image?.width, second?.image?.height], [362, 362])
  })

  const encoderFull = (tokens: number, limit: number): Answer =>
    vllmError(
      400,
      `The decoder prompt contains a(n) image item with length ${tokens}, which exceeds the pre-allocated encoder cache size ${limit}. Please reduce the input size.`,
    )

  it("shrinks a page that the encoder's cache does not hold, and sends the next ones in the size that fits", async () => {
    await using setup = await start({ answers: [encoderFull(420, 372), GOOD] })
    const draw = () => grayPageImage(560, 560)
    const first = await setup.read(lightonPage({ draw }))
    assert.deepEqual(verdict(first), { finishReason: 'stop', attempts: 2, reasons: ['too_long'] })
    const tokens = lightonocr2.imageTokens({ width: first.width ?? 0, height: first.height ?? 0 })
    assert.ok(tokens <= (400 * 372) / 420 && tokens > 300, `${tokens} tokens`)
    const second = await setup.read(lightonPage({ draw }))
    assert.deepEqual(verdict(second), { finishReason: 'stop', attempts: 1, reasons: [] })
    assert.deepEqual([second.width, second.height], [first.width, first.height])
    const small = await setup.read(lightonPage({ draw: () => grayPageImage(280, 140) }))
    assert.deepEqual([small.width, small.height], [280, 140], 'what fits is shown as it is')
    assert.equal(setup.fake.requests.length, 4)
  })

  it('takes nothing from the retries of the request for a page that cannot be made smaller', async () => {
    await using setup = await start({ answers: [encoderFull(4000, 100)] })
    let taken = 0
    const attemptBudget = { take: () => ++taken > 0 }
    const error = await failureOf(setup.read(lightonPage({ attemptBudget })))
    assert.deepEqual([error.code, error.retry], ['engine_error', false])
    assert.equal(taken, 0)
  })

  it('shows a page in fewer bytes, once, when a server before the engine takes no more', async () => {
    const html = '<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>nginx</body>\r\n</html>'
    const refusal: Answer = { failure: { status: 413, body: html, headers: { 'content-type': 'text/html' } } }
    const draw = async () => noisyPageImage(560, 560)
    await using setup = await start({ answers: [refusal, GOOD] })
    const page = await setup.read(lightonPage({ draw }))
    assert.deepEqual(verdict(page), { finishReason: 'stop', attempts: 2, reasons: ['too_long'] })
    const sizes = setup.fake.requests.map(({ image }) => image?.bytes)
    assert.ok((sizes[1] ?? 0) < 0.6 * (sizes[0] ?? 0), `${sizes.join()} bytes`)
    setup.fake.setAnswer(() => refusal)
    const error = await failureOf(setup.read(lightonPage({ draw })))
    assert.deepEqual([error.code, error.retry], ['engine_error', false])
    assert.match(error.message, /client_max_body_size/)
    assert.doesNotMatch(error.message, /</)
    assert.equal(setup.fake.requests.length, 4)
  })

  const sha = ({ image }: FakeRequest) => image?.sha256

  it('shows an image that the engine has lost as another one', async () => {
    const forgotten = vllmError(500, "Expected a cached item for mm_hash='f81d4fae7dec'")
    for (const mediaType of ['image/png', 'image/jpeg'] as const) {
      await using setup = await start({ answers: [forgotten, forgotten, GOOD] })
      const page = await setup.read(lightonPage({ draw: () => noisyPageImage(280, 280, mediaType) }))
      assert.deepEqual(verdict(page).reasons, ['engine_error', 'engine_error'])
      assert.equal(new Set(setup.fake.requests.map(sha)).size, 3, mediaType)
      assert.deepEqual(
        setup.fake.requests.map(({ image }) => [image?.width, image?.height]),
        Array.from({ length: 3 }, () => [280, 280]),
      )
    }
  })

  it('shows an image as another one when the engine fails at it twice in the same way, and not before', async () => {
    await using setup = await start({ answers: [vllmError(500, 'Boom.'), vllmError(500, 'Boom.'), GOOD] })
    await setup.read(lightonPage({ draw: () => noisyPageImage(280, 280) }))
    const [first, second, third] = setup.fake.requests.map(sha)
    assert.equal(first, second)
    assert.notEqual(second, third)
    await using other = await start({ answers: [vllmError(500, 'Boom.'), vllmError(500, 'Bang.'), GOOD] })
    await other.read(lightonPage({ draw: () => noisyPageImage(280, 280) }))
    assert.equal(new Set(other.fake.requests.map(sha)).size, 1)
  })

  it('shows a page smaller that the gateway itself knows not to fit', async () => {
    const model = servedModel(lightonocr2, { maxModelLen: 450 })
    await using setup = await start({ models: [{ id: model.id, maxModelLen: 450 }] })
    const page = await setup.read(pageToRead({ model, draw: () => grayPageImage(560, 560) }))
    assert.deepEqual(verdict(page), { finishReason: 'stop', attempts: 2, reasons: ['too_long'] })
    assert.equal(setup.fake.requests.length, 1)
  })

  it('gives up on an engine that talks without end when the time of the page is up', async () => {
    const answer = { deltas: Array.from({ length: 1000 }, () => 'x'), delayMs: 20 }
    await using setup = await start({ answers: [answer], guard: { totalTimeoutSeconds: 0.3 } })
    const error = await failureOf(setup.read())
    assert.equal(error.code, 'engine_timeout')
    assert.match(error.message, /did not read this page within 0.3 seconds/)
    await eventually(() => setup.fake.requests[0]?.aborted === true, DEADLINE, 'the generation ends')
  })

  it('tries another upstream when one fails', async () => {
    await using other = await startFakeVllm({ answer: () => GOOD })
    await using setup = await start({ answers: [vllmError(500)], others: [other] })
    for (let page = 0; page < 4; page += 1) assert.equal((await setup.read()).text, GOOD)
    assert.ok(setup.fake.requests.length > 0, 'the failing one was asked')
    assert.equal(other.requests.length, 4)
  })

  it('tries another upstream when one is gone', async () => {
    await using other = await startFakeVllm({ answer: () => GOOD })
    await using setup = await start({ others: [other] })
    await setup.fake.kill()
    for (let page = 0; page < 4; page += 1) assert.equal((await setup.read()).text, GOOD)
    assert.equal(other.requests.length, 4)
  })

  it('goes on after an engine that stopped talking', async () => {
    await using setup = await start({ answers: [{ text: '# Min', ending: 'hang' }, GOOD], idleTimeoutSeconds: 0.2 })
    assert.deepEqual(verdict(await setup.read()), { finishReason: 'stop', attempts: 2, reasons: ['engine_timeout'] })
    assert.equal(setup.fake.requests[0]?.aborted, true)
  })

  it('ends with the best text when the time of the page is up', async () => {
    const answers = [{ text: '# Min', finishReason: 'length' }, { silent: true }]
    await using setup = await start({ answers, guard: { totalTimeoutSeconds: 0.5 } })
    const page = await setup.read()
    assert.equal(page.text, '# Min')
    assert.deepEqual(verdict(page), { finishReason: 'length', attempts: 2, reasons: ['cut_off', 'engine_timeout'] })
    await eventually(() => setup.fake.requests[1]?.aborted === true, DEADLINE, 'the silent engine is left')
  })

  it('says so when the time of a page is up and nothing was said', async () => {
    await using setup = await start({ answers: [{ silent: true }], guard: { totalTimeoutSeconds: 0.2 } })
    const error = await failureOf(setup.read())
    assert.equal(error.code, 'engine_timeout')
    assert.match(error.message, /within 0\.2 seconds/)
  })

  it('lets a client that leaves while an engine is waited for go at once, and asks no more', async () => {
    let waits = 0
    const guard = {
      backoffMilliseconds: () => {
        waits += 1
        return 3_600_000
      },
    }
    await using setup = await start({ answers: [vllmError(503)], guard })
    const client = new AbortController()
    const reason = new Error('the client left')
    const read = setup.read(lightonPage(), client.signal)
    const left = assert.rejects(read, (error) => error === reason)
    await eventually(() => waits === 1, DEADLINE, 'the guard waits')
    client.abort(reason)
    await within(left, 1000, 'the guard lets go')
    assert.equal(setup.fake.requests.length, 1)
  })

  it('lets a client that leaves in the middle of a page go, leaves the engine, and asks no more', async () => {
    await using setup = await start({ answers: [{ text: GOOD, delayMs: 60_000 }] })
    const client = new AbortController()
    const reason = new Error('the client left')
    const left = assert.rejects(setup.read(lightonPage(), client.signal), (error) => error === reason)
    await eventually(() => setup.fake.requests.length === 1, DEADLINE, 'the engine is asked')
    client.abort(reason)
    await within(left, 1000, 'the guard lets go')
    await eventually(() => setup.fake.requests[0]?.aborted === true, DEADLINE, 'the engine is left')
    assert.equal(setup.fake.requests.length, 1)
    assert.deepEqual(setup.reports, [])
  })

  it('gives every upstream back', async () => {
    await using setup = await start({ answers: [looping('on and on ').answer, '', GOOD] })
    await setup.read()
    assert.deepEqual(
      setup.upstreams.status().map(({ inFlight }) => inFlight),
      [0],
    )
  })
})
