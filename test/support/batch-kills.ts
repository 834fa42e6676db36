import OpenAI, { toFile } from 'openai'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { dataUrl, readFixture } from './documents.ts'
import { startGatewayProcess, type GatewayProcess } from './gateway-process.ts'
import { makePdf } from './make-pdf.ts'
import { seededRandom, type SeededRandom } from './seeded-random.ts'
import { startRedis, type RedisServer } from './start-redis.ts'
import { eventually } from './within.ts'

/** What is sent, and what is killed meanwhile. */
export interface KillsOptions {
  readonly requests: number
  readonly seed: number
  /** Gateway processes over the same state; of more than one, that is in Redis. */
  readonly gateways: number
  /** How often each gateway is killed, and Redis. */
  readonly kills: number
  /** How long a page is read, in milliseconds. */
  readonly pageMs: number
  readonly timeoutMs: number
  /** Whether some documents are real: pages of a scan, and such that need a password. */
  readonly hasReal?: boolean
  readonly onEvent?: (event: string) => void
}

/** What became of it. */
export interface KillsOutcome {
  readonly status: string
  readonly counts: OpenAI.BatchRequestCounts | undefined
  /** What is wrong with the answers: a request that has none, or two, or another's. */
  readonly problems: readonly string[]
  /** Pages of all documents that can be read, each once. */
  readonly pages: number
  readonly asked: number
  /** Pages that were asked for when something was killed, and not kept yet. */
  readonly inFlight: number
  readonly seconds: number
  readonly kills: number
}

interface SentRequest {
  readonly id: string
  readonly pdf: Uint8Array
  /** The numbers of its pages; empty: they have none. */
  readonly pages: readonly number[]
  /** The page that is wanted of a real scan. */
  readonly scanned?: number
  readonly isBroken?: boolean
}

const MODEL = 'lightonai/LightOnOCR-2-1B'
/** By this share of the pages all kills have happened: what was taken then waits for a while. */
const KILLED_BY = 0.6
/** An answer that has left the engine may not have arrived yet, and one that has arrived may not be kept yet. */
const ARRIVAL_MS = 300

/** Sends a batch of documents, kills with `-9` whatever works on it, at random moments, and starts it again. */
export async function runBatchThroughKills(options: KillsOptions): Promise<KillsOutcome> {
  const { requests, seed, gateways, kills, timeoutMs } = options
  const startedAt = performance.now()
  const onEvent = (event: string): void =>
    options.onEvent?.(`${((performance.now() - startedAt) / 1000).toFixed(1)} s: ${event}`)
  const random = seededRandom(seed)
  const folder = await mkdtemp(join(tmpdir(), 'batch-kills-'))
  await using closing = new AsyncDisposableStack()
  closing.defer(() => rm(folder, { recursive: true, force: true }))
  const fake = closing.use(await startFakeVllm({ answer: ({ image }) => answerOf(image?.pageNumber, options, random) }))
  const redis = gateways > 1 ? closing.use(await startDurableRedis()) : null
  const fleet = closing.use(await startFleet(gateways, folder, fake, redis))
  const sent = Array.from({ length: requests }, (_, index) => makeRequest(index, random, options))
  const batch = await createBatch(fleet, sent, random)
  onEvent(`${batch} has ${requests} requests`)
  const victims = random.shuffle(
    [...fleet.members, ...(redis === null ? [] : [redis])].flatMap((it) => Array.from({ length: kills }, () => it)),
  )
  const scanned = sent.flatMap((request) => request.scanned ?? [])
  const pages = new Set(sent.flatMap((request) => request.pages)).size + new Set(scanned).size
  let inFlight = 0
  for (const [index, victim] of victims.entries()) {
    const enough = Math.floor((pages * KILLED_BY * (index + random.next())) / victims.length)
    await eventually(() => fake.requests.length >= enough, timeoutMs, `${enough} pages asked before kill ${index + 1}`)
    const [asked, name] = [inFlightOf(fake), victim === redis ? 'redis' : 'a gateway']
    await victim.kill()
    inFlight += asked
    onEvent(`${name} killed after ${fake.requests.length} of ${pages} pages, ${asked} in flight`)
    await new Promise((resolve) => setTimeout(resolve, random.integer(0, 1500)))
    await victim.restart()
  }
  await eventually(() => fake.requests.length >= pages, timeoutMs, 'all pages are asked')
  onEvent('all pages are asked')
  const ended = await untilEnded(fleet, batch, timeoutMs)
  onEvent('ended')
  const problems = await findProblems(fleet, ended, sent)
  const seconds = (performance.now() - startedAt) / 1000
  const counts = ended.request_counts
  return {
    status: ended.status,
    counts,
    problems,
    pages,
    asked: fake.requests.length,
    inFlight,
    seconds,
    kills: victims.length,
  }
}

function answerOf(page: number | null | undefined, { pageMs }: KillsOptions, random: SeededRandom) {
  return { text: `This is page ${page}.`, firstDelayMs: random.integer(Math.ceil(pageMs / 2), Math.ceil(1.5 * pageMs)) }
}

function inFlightOf(fake: FakeVllm): number {
  const since = performance.now() - ARRIVAL_MS
  return fake.requests.filter(({ endedAt }) => endedAt === null || endedAt > since).length
}

const startDurableRedis = (): Promise<RedisServer> =>
  startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'volatile-lru'] })

interface Member {
  readonly process: () => GatewayProcess
  kill(): Promise<void>
  restart(): Promise<void>
}

interface Fleet extends AsyncDisposable {
  readonly members: readonly Member[]
  /** Asks whoever lives, again and again: a client of theirs is behind a load balancer. */
  ask<Answer>(request: (client: OpenAI) => Promise<Answer>): Promise<Answer>
}

async function startFleet(size: number, folder: string, fake: FakeVllm, redis: RedisServer | null): Promise<Fleet> {
  const settings = {
    GATEWAY_UPSTREAM_URLS: fake.url,
    GATEWAY_UPSTREAM_CONCURRENCY: '8',
    GATEWAY_LOG_LEVEL: 'warn',
    GATEWAY_SHARED_DIR: join(folder, 'shared'),
    ...(redis === null ? {} : { GATEWAY_REDIS_URL: redis.url }),
  }
  const members = await Promise.all(
    Array.from({ length: size }, (_, index) => startMember(settings, join(folder, `${size === 1 ? 0 : index}`))),
  )
  let turn = 0
  return {
    members,
    async ask(request) {
      let [answer, failure]: [Awaited<ReturnType<typeof request>> | undefined, unknown] = [undefined, null]
      const answered = async (): Promise<boolean> => {
        const { url } = members[turn++ % size]!.process()
        try {
          answer = await request(new OpenAI({ baseURL: `${url}/v1`, apiKey: 'unused', maxRetries: 1, timeout: 20_000 }))
          return true
        } catch (error) {
          failure = error
          await new Promise((resolve) => setTimeout(resolve, 200))
          return false
        }
      }
      await eventually(answered, 60_000, 'an answer').catch((error: unknown) => {
        throw new Error(String(failure), { cause: error })
      })
      return answer!
    },
    async [Symbol.asyncDispose]() {
      for (const member of members) await member.kill()
    },
  }
}

async function startMember(settings: Readonly<Record<string, string>>, dataDir: string): Promise<Member> {
  const start = () => startGatewayProcess({ ...settings, GATEWAY_DATA_DIR: dataDir })
  let current = await start()
  return {
    process: () => current,
    async kill() {
      current.child.kill('SIGKILL')
      await current.exited
    },
    async restart() {
      current = await start()
    },
  }
}

const SCAN = 'four-page-scan.pdf'
const LOCKED = ['encrypted-user-aes128.pdf', 'encrypted-user-aes256.pdf', 'encrypted-user-rc4-40.pdf'] as const

/** Some of one page and some of several, and some that nobody can read. */
function makeRequest(index: number, random: SeededRandom, { hasReal = false }: KillsOptions): SentRequest {
  const id = `request-${index}`
  if (random.chance(0.05)) return { id, pdf: readFixture(SCAN).subarray(0, 500), pages: [], isBroken: true }
  // The same few pages again and again: each is asked for once, the others find it read, or being read.
  if (hasReal && random.chance(0.1)) return { id, pdf: readFixture(SCAN), pages: [], scanned: random.integer(1, 4) }
  if (hasReal && random.chance(0.05)) return { id, pdf: readFixture(random.pick(LOCKED)), pages: [], isBroken: true }
  // As many as the barcode has room for; then pages are the same, and the cache has them.
  const pages = Array.from({ length: random.pick([1, 1, 2, 3]) }, (_, page) => (index * 3 + page) % 4096)
  return { id, pdf: makePdf(pages.map((number) => ({ number }))), pages }
}

async function createBatch(fleet: Fleet, sent: readonly SentRequest[], random: SeededRandom): Promise<string> {
  const lines: string[] = []
  for (const { id, pdf, scanned } of sent) {
    const name = `${id}.pdf`
    const upload = async (client: OpenAI) =>
      client.files.create({ file: await toFile(pdf, name), purpose: 'user_data' })
    const file = random.chance(0.2)
      ? { file_id: (await fleet.ask(upload)).id }
      : { filename: name, file_data: dataUrl(pdf, 'application/pdf') }
    const wanted = scanned === undefined ? {} : { ocr: { pages: `${scanned}` } }
    const body = { model: MODEL, messages: [{ role: 'user', content: [{ type: 'file', file }] }], ...wanted }
    lines.push(JSON.stringify({ custom_id: id, method: 'POST', url: '/v1/chat/completions', body }))
  }
  const input = await fleet.ask(async (client) =>
    client.files.create({ file: await toFile(Buffer.from(lines.join('\n')), 'input.jsonl'), purpose: 'batch' }),
  )
  const batch = await fleet.ask((client) =>
    client.batches.create({ input_file_id: input.id, endpoint: '/v1/chat/completions', completion_window: '24h' }),
  )
  return batch.id
}

const OVER = new Set(['completed', 'failed', 'expired', 'cancelled'])

async function untilEnded(fleet: Fleet, id: string, timeoutMs: number): Promise<OpenAI.Batch> {
  let batch: OpenAI.Batch | null = null
  const isOver = async (): Promise<boolean> => {
    batch = await fleet.ask((client) => client.batches.retrieve(id))
    await new Promise((resolve) => setTimeout(resolve, 200))
    return OVER.has(batch.status)
  }
  await eventually(isOver, timeoutMs, 'the end of the batch').catch((error: unknown) => {
    throw new Error(`the batch did not end: ${JSON.stringify(batch)}`, { cause: error })
  })
  return batch!
}

interface AnswerLine {
  readonly custom_id: string
  readonly response: {
    readonly status_code: number
    readonly body: { readonly choices?: readonly { readonly message: { readonly content: string } }[] }
  } | null
}

async function findProblems(fleet: Fleet, batch: OpenAI.Batch, sent: readonly SentRequest[]): Promise<string[]> {
  const read = async (id: string | undefined): Promise<AnswerLine[]> => {
    if (id === undefined) return []
    const text = await fleet.ask(async (client) => (await client.files.content(id)).text())
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as AnswerLine)
  }
  const [output, errors] = [await read(batch.output_file_id), await read(batch.error_file_id)]
  const answers = Map.groupBy([...output, ...errors], ({ custom_id }) => custom_id)
  const problems = sent.flatMap(({ id, pages, scanned, isBroken }) => {
    const [answer, another] = answers.get(id) ?? []
    answers.delete(id)
    if (answer === undefined) return [`${id} has no answer`]
    if (another !== undefined) return [`${id} has several answers`]
    if (isBroken === true) return errors.includes(answer) ? [] : [`${id} cannot be read, and is in the output file`]
    const content = answer.response?.body.choices?.[0]?.message.content ?? ''
    if (scanned !== undefined)
      return content === 'This is page null.' ? [] : [`${id}: ${JSON.stringify(answer).slice(0, 300)}`]
    const missing = pages.filter((page) => !content.includes(`This is page ${page}.`))
    return missing.length === 0 ? [] : [`${id} lacks pages ${missing.join()}: ${JSON.stringify(answer).slice(0, 300)}`]
  })
  return [...problems, ...Array.from(answers.keys(), (id) => `nobody sent ${id}`)]
}
