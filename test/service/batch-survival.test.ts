import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import OpenAI from 'openai'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import { makePdf } from '../support/make-pdf.ts'
import { answersIn, createBatch, linesOf, untilEnded } from '../support/run-batch.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { eventually } from '../support/within.ts'

const TIMEOUT = 240_000
const CHAT = '/v1/chat/completions'
const QUIET_FOR = 500

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
const madePdf = (first: number, count: number) =>
  makePdf(Array.from({ length: count }, (_, index) => ({ number: first + index })))
const chat = (pdf: Uint8Array) => ({
  model: 'default',
  messages: [
    { role: 'user', content: [{ type: 'file', file: { file_data: `data:application/pdf;base64,${base64(pdf)}` } }] },
  ],
})

/** An upstream, and a folder in which gateway processes may follow each other. */
async function start(answerSeconds = 0) {
  const dataDir = mkdtempSync(join(tmpdir(), 'ocr-gateway-'))
  const asked: number[] = []
  const answered = new Set<number>()
  let gate: PromiseWithResolvers<void> | null = null
  const unanswered = { pages: 0 }
  const fake = await startFakeVllm({
    async answer({ image }) {
      const page = image?.pageNumber ?? 0
      asked.push(page)
      unanswered.pages += 1
      await delay(answerSeconds * 1000)
      if (gate !== null) await gate.promise
      unanswered.pages -= 1
      answered.add(page)
      return undefined
    },
  })
  const startGateway = async (settings: Record<string, string> = {}) => {
    const gateway = await startGatewayProcess({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_DATA_DIR: dataDir,
      GATEWAY_UPSTREAM_PATIENCE_SECONDS: '1',
      GATEWAY_LOG_LEVEL: 'warn',
      ...settings,
    })
    return Object.assign(gateway, {
      client: new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'none', maxRetries: 0 }),
    })
  }
  return {
    fake,
    dataDir,
    startGateway,
    /** The pages that were asked for, by the numbers on them. */
    asked,
    /** Those that were answered to the gateway that runs. */
    answered,
    /** Answers nothing more. */
    hold: () => void (gate = Promise.withResolvers()),
    letGo() {
      gate?.resolve()
      gate = null
    },
    /** Resolves when all is answered that a gateway had sent before it ended: on a busy machine that takes a while to arrive. */
    async quiet() {
      let before: number
      do {
        before = asked.length
        await delay(QUIET_FOR)
      } while (before !== asked.length || unanswered.pages > 0)
    },
    async [Symbol.asyncDispose]() {
      await fake.kill()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** Returns the pages of a batch that are kept on the disk: those of lines that have an answer, and others. */
function keptPages(dataDir: string, batch: string, lines: readonly (readonly number[])[]): ReadonlySet<number> {
  const names = new Set(readdirSync(join(dataDir, 'batches', 'content')))
  const kept = lines.flatMap((pages, line) => (names.has(`${batch}.${line}`) ? pages : []))
  using database = new DatabaseSync(join(dataDir, 'gateway.db'))
  const rows = database.prepare('SELECT line, page FROM batch_pages WHERE batch = ?').all(batch)
  return new Set([...kept, ...rows.map(({ line, page }) => lines[Number(line)]?.[Number(page) - 1] ?? -1)])
}

// Most of the time is spent waiting for leases to end, and for engines.
describe('a batch, embedded', { timeout: TIMEOUT, concurrency: 3 }, () => {
  it('survives two kills -9 at random moments: each request answered once, no finished page asked again', async (t) => {
    const seed = 20_261_128
    t.diagnostic(`seed ${seed}`)
    const chance = seededRandom(seed)
    const random = () => chance.next()
    await using setup = await start(0.05)
    const { dataDir } = setup
    // Each page is another one, and some documents have several.
    const sizes = Array.from({ length: 60 }, () => 1 + Math.floor(random() * 3))
    let first = 1
    const numbers = sizes.map((count) => Array.from({ length: count }, () => first++))
    const lines = numbers.map(([from = 0, ...more], index) => ({
      custom_id: `doc ${index}`,
      body: chat(madePdf(from, 1 + more.length)),
    }))
    const pages = first - 1
    let gateway = await setup.startGateway()
    await using _ = { [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() }
    const { id } = await createBatch(gateway.client, CHAT, linesOf(CHAT, lines))
    const kept = () => keptPages(dataDir, id, numbers)
    /** Kills the gateway; returns the pages that it had kept, and how many were asked for before. */
    const kill = async () => {
      gateway.child.kill('SIGKILL')
      await gateway.exited
      setup.letGo()
      await setup.quiet()
      setup.answered.clear()
      const before = { kept: kept(), asked: setup.asked.length }
      gateway = await setup.startGateway()
      return before
    }
    // Anywhere: what was answered a moment before may not have been written.
    const some = pages * (0.1 + random() * 0.3)
    await eventually(() => setup.asked.length >= some, TIMEOUT, 'the moment of the first kill')
    const one = await kill()
    // Where all that was answered is written.
    const more = pages * (0.5 + random() * 0.3)
    await eventually(() => setup.asked.length >= more, TIMEOUT, 'the moment of the second kill')
    setup.hold()
    const allKept = () => kept().isSupersetOf(setup.answered)
    await eventually(allKept, TIMEOUT, 'all pages that were answered are kept')
    const two = await kill()
    const batch = await untilEnded(gateway.client, id, TIMEOUT)
    assert.deepEqual([batch.status, batch.request_counts], ['completed', { total: 60, completed: 60, failed: 0 }])
    const answers = await answersIn(gateway.client, batch.output_file_id)
    assert.deepEqual(
      answers.map(({ custom_id }) => custom_id),
      lines.map(({ custom_id }) => custom_id),
    )
    let number = 1
    for (const [index, { response }] of answers.entries()) {
      const text = JSON.stringify(response?.body)
      const found = [...text.matchAll(/This is page (\d+)\./g)].map(([, digits]) => Number(digits))
      assert.deepEqual(
        found,
        Array.from({ length: sizes[index] ?? 0 }, () => number++),
      )
    }
    t.diagnostic(`${pages} pages, ${setup.asked.length} asked`)
    const lives = [
      setup.asked.slice(0, one.asked),
      setup.asked.slice(one.asked, two.asked),
      setup.asked.slice(two.asked),
    ] as const
    for (const asked of lives) assert.equal(new Set(asked).size, asked.length, 'no gateway asks twice for a page')
    const again = [...lives[1], ...lives[2]].filter((page) => one.kept.has(page))
    assert.deepEqual(
      [...again, ...lives[2].filter((page) => two.kept.has(page))],
      [],
      'what was kept is not asked again',
    )
    await eventually(() => readdirSync(join(dataDir, 'batches', 'content')).length === 0, 10_000, 'answers are removed')
  })

  it('is put back when the gateway stops, goes on in the next, and has its answers in real documents', async () => {
    await using setup = await start()
    const folder = join(import.meta.dirname, '../fixtures/documents')
    const pdfs = readdirSync(folder).filter((name) => name.endsWith('.pdf'))
    const lines = pdfs.map((name) => ({ custom_id: name, body: chat(readFileSync(join(folder, name))) }))
    const one = await setup.startGateway()
    const { id } = await createBatch(one.client, CHAT, linesOf(CHAT, lines))
    await eventually(() => setup.fake.requests.length > 3, TIMEOUT, 'pages are asked for')
    one.child.kill('SIGTERM')
    assert.deepEqual(await one.exited, [0, null])
    await using two = await setup.startGateway()
    const batch = await untilEnded(two.client, id, TIMEOUT)
    const answered = [
      ...(await answersIn(two.client, batch.output_file_id)),
      ...(await answersIn(two.client, batch.error_file_id)),
    ]
    assert.equal(batch.status, 'completed')
    assert.equal(answered.length, pdfs.length)
    assert.deepEqual(new Set(answered.map(({ custom_id }) => custom_id)), new Set(pdfs))
  })

  it('is shared by processes over one folder: no page is read twice', async () => {
    await using setup = await start(0.05)
    await using one = await setup.startGateway()
    await using two = await setup.startGateway()
    const lines = Array.from({ length: 40 }, (_, index) => ({
      custom_id: `${index}`,
      body: chat(madePdf(index + 1, 1)),
    }))
    const { id } = await createBatch(one.client, CHAT, linesOf(CHAT, lines))
    const batch = await untilEnded(two.client, id, TIMEOUT)
    assert.deepEqual(batch.request_counts, { total: 40, completed: 40, failed: 0 })
    assert.equal(setup.fake.requests.length, 40)
    assert.equal((await answersIn(one.client, batch.output_file_id)).length, 40)
  })

  it('waits for an engine that is not there, and is done when it is', async () => {
    await using setup = await start()
    await using gateway = await setup.startGateway()
    setup.fake.setHealthy(false)
    setup.fake.setScaling(true)
    const isReady = async () => (await fetch(`${gateway.url}/ready`)).status === 200
    await eventually(async () => !(await isReady()), TIMEOUT, 'the upstream is known to be down')
    const asked = { ...chat(madePdf(1, 1)), model: 'lightonai/LightOnOCR-2-1B' }
    const lines = Array.from({ length: 12 }, (_, index) => ({ custom_id: `${index}`, body: asked }))
    const { id } = await createBatch(gateway.client, CHAT, linesOf(CHAT, lines))
    await delay(2500)
    // Another one, whose engine is there, is not held up by those that wait.
    const here = [{ custom_id: 'a', body: { ...asked, model: 'tesseract' } }]
    const other = await createBatch(gateway.client, CHAT, linesOf(CHAT, here))
    assert.equal((await untilEnded(gateway.client, other.id, TIMEOUT)).request_counts.completed, 1)
    assert.equal((await gateway.client.batches.retrieve(id)).status, 'in_progress')
    setup.fake.setHealthy(true)
    setup.fake.setScaling(false)
    const batch = await untilEnded(gateway.client, id, TIMEOUT)
    assert.deepEqual(batch.request_counts, { total: 12, completed: 12, failed: 0 })
  })
})
