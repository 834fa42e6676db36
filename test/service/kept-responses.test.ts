import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { ResponseCreateParamsNonStreaming } from 'openai/resources/responses/responses'
import { describePage } from '../fakes/fake-vllm-answer.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { makePdf } from '../support/make-pdf.ts'
import { inputFile, inputOf, readResponse, textOfResponse } from '../support/read-response.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { eventually } from '../support/within.ts'

const TIMEOUT = 60_000
const DEADLINE = 20_000
const page = (number: number) => inputOf(inputFile(makePdf([{ number }])))

async function start(settings: Record<string, string> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'ocr-gateway-'))
  const dataDir = join(folder, 'data')
  let go = () => {}
  const held = new Promise<void>((resolve) => (go = resolve))
  const state = { isHeld: false }
  const fake = await startFakeVllm({
    answer: async () => {
      if (state.isHeld) await held
      return undefined
    },
  })
  const gateway = await startTestGateway({
    GATEWAY_UPSTREAM_URLS: fake.url,
    GATEWAY_DATA_DIR: dataDir,
    // An unknown server is sent fewer than the pages that the engine here holds.
    GATEWAY_UPSTREAM_CONCURRENCY: '8',
    ...settings,
  })
  const create = async (body: object) =>
    readResponse(
      await gateway.client.responses.create({ model: 'default', ...body } as ResponseCreateParamsNonStreaming),
    )
  const retrieve = async (id: string) => readResponse(await gateway.client.responses.retrieve(id))
  const documents = () => (existsSync(join(dataDir, 'responses')) ? readdirSync(join(dataDir, 'responses')) : [])
  const stop = async () => {
    go()
    await gateway[Symbol.asyncDispose]()
    await fake.kill()
    await rm(folder, { recursive: true, force: true })
  }
  return { fake, gateway, folder, dataDir, create, retrieve, documents, state, go, [Symbol.asyncDispose]: stop }
}

/** What the database says of a response. */
function gatewayRows({ gateway }: Awaited<ReturnType<typeof start>>, id: string) {
  return gateway.services.database.open('').prepare('SELECT * FROM responses WHERE id = ?').all(id)
}

describe('what responses leave on disk', { timeout: TIMEOUT }, () => {
  it('is nothing of theirs with store: false', async () => {
    await using setup = await start()
    await setup.create({ input: page(1), store: false })
    await assert.rejects(setup.retrieve('resp_1'), { code: 'response_not_found' })
    // What its key has used is counted.
    const left = existsSync(setup.dataDir) ? readdirSync(setup.dataDir) : []
    assert.deepEqual(
      left.filter((name) => !name.startsWith('gateway.db')),
      [],
    )
    const database = setup.gateway.services.database.open('')
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'response%'")
      .all()
    for (const { name } of tables) assert.deepEqual(database.prepare(`SELECT * FROM ${String(name)}`).all(), [])
  })

  it('is the documents of those that were answered, and none of those that were not, or were deleted', async () => {
    await using setup = await start()
    const { create, documents, gateway } = setup
    const { id } = await create({ input: page(1) })
    assert.deepEqual(documents(), [id])
    const broken = inputOf(inputFile(Buffer.from('%PDF-1.7 broken')))
    await assert.rejects(create({ input: broken }), { code: 'document_unreadable' })
    await eventually(() => documents().length === 1, DEADLINE, 'the broken document goes')
    await gateway.client.responses.delete(id)
    assert.deepEqual(documents(), [])
  })

  it('is no reason to fail where it cannot be written, except for what nobody waits for', async () => {
    await using setup = await start()
    await writeFile(setup.dataDir, 'a file where the folder should be')
    const { create, retrieve } = setup
    const { id, output } = await create({ input: page(1) })
    assert.match(textOfResponse({ output }), /This is page 1\./)
    await assert.rejects(retrieve(id), { code: 'response_not_found' })
    await assert.rejects(create({ input: page(1), background: true }), {
      status: 500,
      code: 'internal_error',
      message: /GATEWAY_DATA_DIR/,
    })
  })
})

describe('background responses', { timeout: TIMEOUT }, () => {
  it('are read some at a time; one is cancelled before it began, and one that ends the process again and again is given up', async () => {
    await using setup = await start()
    const { create, retrieve, state, gateway, go } = setup
    state.isHeld = true
    const ids: string[] = []
    for (let number = 1; number <= 8; number++) ids.push((await create({ input: page(number), background: true })).id)
    const statuses = async () => Promise.all(ids.map(async (id) => (await retrieve(id)).status))
    await eventually(() => setup.fake.requests.length === 6, DEADLINE, 'six are read')
    assert.deepEqual(await statuses(), [...Array<string>(6).fill('in_progress'), 'queued', 'queued'])
    const [cancelled = '', lost = ''] = ids.slice(-2)
    await gateway.client.responses.cancel(cancelled)
    const types: string[] = []
    const followed = async () => {
      for await (const { type } of await gateway.client.responses.retrieve(cancelled, { stream: true }))
        types.push(type)
    }
    await assert.rejects(followed(), { message: /cancelled/ })
    assert.deepEqual(types, ['response.created', 'response.queued'])
    gateway.services.database.open('').exec(`UPDATE responses SET losses = 5 WHERE id = '${lost}'`)
    go()
    await eventually(async () => !/queued|in_progress/.test((await statuses()).join()), DEADLINE, 'all end')
    assert.deepEqual(await statuses(), [...Array<string>(6).fill('completed'), 'cancelled', 'failed'])
    assert.equal(setup.fake.requests.length, 6)
    const { error } = await retrieve(lost)
    assert.deepEqual([error?.code, error?.message.includes('ended 5 times')], ['internal_error', true])
  })

  it('wait while another program has the database locked, and nothing else does', async () => {
    await using setup = await start()
    const { create, gateway, state, dataDir } = setup
    state.isHeld = true
    const one = await create({ input: page(1), background: true })
    const two = await create({ input: page(2), background: true })
    using other = new DatabaseSync(join(dataDir, 'gateway.db'))
    other.exec('BEGIN IMMEDIATE')
    const refused = Promise.all([
      assert.rejects(gateway.client.responses.cancel(one.id), { status: 500, message: /locked/ }),
      assert.rejects(gateway.client.responses.delete(two.id), { status: 500, message: /locked/ }),
    ])
    await new Promise((resolve) => setTimeout(resolve, 500))
    const startedAt = performance.now()
    for (let turn = 0; turn < 5; turn += 1) await (await fetch(`${gateway.url}/health`)).text()
    assert.ok(performance.now() - startedAt < 2000)
    await refused
    other.exec('COMMIT')
    assert.equal(readResponse(await gateway.client.responses.cancel(one.id)).status, 'cancelled')
    assert.equal((await setup.retrieve(two.id)).status, 'in_progress')
  })

  it('read a stored file as it was, though it is deleted before they do', async () => {
    await using setup = await start()
    const { gateway, state, go, create, retrieve } = setup
    state.isHeld = true
    const { files } = gateway.client
    const file = new File([Buffer.from(makePdf([{ number: 1 }, { number: 2 }]))], 'b.pdf', { type: 'application/pdf' })
    const { id: fileId } = await files.create({ file, purpose: 'user_data' })
    const busy: string[] = []
    for (let number = 11; number <= 16; number++)
      busy.push((await create({ input: page(number), background: true })).id)
    const { id } = await create({ input: inputOf({ type: 'input_file', file_id: fileId }), background: true })
    await files.delete(fileId)
    assert.equal((await retrieve(id)).status, 'queued')
    go()
    await eventually(async () => (await retrieve(id)).status === 'completed', DEADLINE, 'it is read')
    const whole = await retrieve(id)
    assert.deepEqual(whole.ocr?.document.pages, 2)
    const items = await gateway.client.responses.inputItems.list(id)
    const [item] = items.data
    assert.deepEqual(item?.type === 'message' && item.content, [{ type: 'input_file', file_id: fileId }])
    const follow = await create({ previous_response_id: id, ocr: { pages: '2' } })
    assert.match(textOfResponse(follow), /This is page 2\./)
  })

  it('wait for an engine that goes away in the middle: no page fails for that', async () => {
    await using setup = await start({ GATEWAY_LOOKAHEAD: '1' })
    const { create, retrieve, fake } = setup
    let goesAway = () => {}
    const gone = new Promise<void>((resolve) => (goesAway = resolve))
    fake.setAnswer(async ({ image }) => {
      const text = image === null ? '' : describePage(image)
      if (text.includes('page 2.')) {
        goesAway()
        return { ending: 'break' }
      }
      return text
    })
    const pages = inputOf(inputFile(makePdf([{ number: 1 }, { number: 2 }, { number: 3 }])))
    const { id } = await create({ input: pages, background: true })
    await gone
    await fake.kill()
    const isPutBack = () =>
      gatewayRows(setup, id).some(({ process, failing_since: since }) => process === null && since !== null)
    await eventually(isPutBack, DEADLINE, 'it is put back')
    assert.equal((await retrieve(id)).status, 'in_progress')
    await using back = await startFakeVllm({ port: fake.port })
    await eventually(async () => (await retrieve(id)).status === 'completed', 2 * DEADLINE, 'it is whole')
    assert.ok(back.requests.length > 0)
    const whole = await retrieve(id)
    assert.deepEqual(
      whole.ocr?.pages.map(({ status }) => status),
      ['ok', 'ok', 'ok'],
    )
    assert.ok(back.requests.length > 0)
  })

  it('wait in the lane that their tier says, and take no more than half of the queue', async () => {
    await using setup = await start({ GATEWAY_MAX_QUEUED_PAGES: '10', GATEWAY_UPSTREAM_CONCURRENCY: '16' })
    const { create, retrieve, state, go, fake } = setup
    state.isHeld = true
    const pages = (from: number, to: number) =>
      inputOf(inputFile(makePdf(Array.from({ length: to - from + 1 }, (_, index) => ({ number: from + index })))))
    await create({ input: pages(1, 4), background: true })
    await eventually(() => fake.requests.length === 4, DEADLINE, 'the first are read')
    const waiting = await create({ input: pages(11, 13), background: true, service_tier: 'flex' })
    await eventually(async () => (await retrieve(waiting.id)).status === 'in_progress', DEADLINE, 'the second is tried')
    const interactive = create({ input: pages(21, 26) })
    await eventually(() => fake.requests.length >= 10, DEADLINE, 'who waits for an answer gets the rest')
    await delay(300)
    assert.equal(fake.requests.length, 10)
    go()
    assert.match(textOfResponse(await interactive), /This is page 26\./)
    await eventually(async () => (await retrieve(waiting.id)).status === 'completed', DEADLINE, 'it is tried again')
  })
})
