// `npm run soak [-- --minutes 20 --seed 1 --clients 8 --redis --logs FOLDER]`: all that clients do, damaged documents and failing servers
// included, for many minutes; with `--redis`, two gateways share one that stands still now and then. Ends with 1 when memory or
// handles grow, when something is left over at the end, or when log, metrics, usage and clients do not agree.
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { printBar, printTable } from '../bench/table.ts'
import { serverFaults } from '../fakes/faulty-vllm.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { startEngines, type Engines } from '../support/faults/engines.ts'
import { planPage } from '../support/faults/pages.ts'
import { readMetrics } from '../support/read-metrics.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { startRedis, type RedisServer } from '../support/start-redis.ts'
import { eventually } from '../support/within.ts'
import { accessSettings, hasty, leaver, meddleWithKeys, patientCallers, writeKeysFile } from './callers.ts'
import { startSoakCollector } from './collector.ts'
import { makeSoakDocuments } from './documents.ts'
import { makeBatches, readLater, type ErrandSeen } from './errands.ts'
import { countOne, startSoakGateway, type Counts, type SoakGateway } from './gateway.ts'
import { judgeLines, judgePages, judgeUsage, type PageOutcome } from './pages.ts'
import { makeRequest, PICTURE_MODEL, sendRequest, type SoakOutcome } from './requests.ts'
import {
  judgeCounts,
  judgeHeap,
  judgeHeld,
  judgeMemory,
  judgeRest,
  meanOf,
  windowsOf,
  type Verdict,
} from './verdict.ts'
import { watchGateway, type Look } from './watch.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    clients: { type: 'string', default: '8' },
    redis: { type: 'boolean', default: false },
    logs: { type: 'string' },
  },
})
const SEED = Number(values.seed)
const SECONDS = Number(values.minutes) * 60
const SERVERS = 2
/** What runs ends within its page's time; connections on which a client that left has never asked, after seventy seconds. */
const REST_MS = 120_000
/** Idle connections of both sides are closed after some seconds. */
const IDLE_MS = 10_000
const MAX_PROBLEMS = 20

const SETTINGS = {
  GATEWAY_PAGE_TIMEOUT_SECONDS: '15',
  GATEWAY_LOOKAHEAD: '32',
  // Full within two minutes: what it holds is no growth.
  GATEWAY_CACHE_MAX_BYTES: '2000000',
  GATEWAY_RASTERIZE_TIMEOUT_SECONDS: '10',
  GATEWAY_KEEP_ALIVE_SECONDS: '5',
}

/** What the clients have seen, all together. */
interface Seen extends ErrandSeen {
  readonly left: Counts
  /** Requests of those who stay until they are answered. */
  readonly outcomes: PageOutcome[]
}

process.exitCode = await soak()

async function soak(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'soak-'))
  try {
    return conclude(await soakIn(folder))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function soakIn(folder: string): Promise<Verdict[]> {
  await using engines = await startEngines(SERVERS, (number) => planPage(SEED, number), { keepsRequests: false })
  await using pictures = await startPictureServer()
  await using redis = values.redis ? await startRedis({ args: ['--maxmemory', '32mb', '--maxmemory-policy', 'volatile-lru'] }) : null // prettier-ignore
  await using collector = await startSoakCollector()
  await writeKeysFile(folder)
  const settings = {
    ...SETTINGS,
    ...accessSettings(folder),
    ...(redis === null ? {} : { GATEWAY_REDIS_URL: redis.url }),
    GATEWAY_DATA_DIR: join(folder, 'data'),
    GATEWAY_UPSTREAM_URLS: [...engines.servers, pictures].map(({ url }) => url).join(),
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  }
  await using first = await startSoakGateway(settings, values.logs)
  await using second = redis === null ? null : await startSoakGateway(settings, values.logs)
  const gateways = second === null ? [first] : [first, second]
  const urls = gateways.map(({ url }) => url)
  const seen: Seen = { requests: new Map(), left: new Map(), pages: new Map(), kinds: new Map(), problems: [], outcomes: [] } // prettier-ignore
  const documents = await makeSoakDocuments()
  const before = await Promise.all(gateways.map((gateway) => lookOnce(gateway, seen.requests)))
  const until = performance.now() + SECONDS * 1000
  const watches = gateways.map((gateway) => watchGateway(gateway, seen.requests))
  const errand = (index: number) => ({ urls, random: seededRandom(SEED * 7001 + index), documents, seen, until })
  await Promise.all([
    ...Array.from({ length: Number(values.clients) }, (_, index) => work(index, urls, documents, seen, until)),
    makeBatches(errand(1)),
    readLater(errand(2)),
    readLater(errand(3)),
    ...engines.servers.map((_, index) => inflict(engines, index, until)),
    meddleWithKeys(folder, seededRandom(SEED * 31), until),
    collector.comeAndGo(seededRandom(SEED * 37), until),
    ...(redis === null ? [] : [haltNowAndThen(redis, until)]),
  ])
  await Promise.all(watches.map((watch) => watch[Symbol.asyncDispose]()))
  const rest = await Promise.all(gateways.map((gateway) => restOf(gateway, seen.requests)))
  await delay(IDLE_MS)
  // Before it is asked for its metrics, as that request is in them.
  const ends = await Promise.all(watches.map((watch) => watch.look()))
  const samples = ends.flatMap((end) => end.samples)
  // The last lines of the log are on their way.
  await delay(1000)
  watches.forEach(({ looks }) => printLooks(looks))
  print(seen)
  process.stdout.write(`collector: ${JSON.stringify(collector.counts)}\n\n`)
  const sources = { outcomes: seen.outcomes, others: seen.pages, gateways, samples }
  const logged: Counts = new Map(gateways.flatMap((gateway) => [...gateway.logged]).map(([key]) => [key, 0]))
  for (const gateway of gateways) for (const [key, count] of gateway.logged) countOne(logged, key, count)
  return [
    ...watches.flatMap(({ looks }, index) => judgeGateway(looks, before[index], ends[index])),
    ...rest,
    ...judgeCounts({ clients: seen.requests, left: seen.left, logged, samples, gateways: gateways.length }),
    ...judgePages(sources),
    judgeLines(sources),
    ...(await judgeUsage(urls, samples, new Map())),
    ...gateways.map(({ strange }) => ({ text: `the gateway wrote no strange line ${strange.join('\n')}`, isMet: strange.length === 0 })), // prettier-ignore
    { text: `no client met what must not be ${seen.problems.slice(0, MAX_PROBLEMS).join('\n')}`, isMet: seen.problems.length === 0 }, // prettier-ignore
    { text: `spans came to the collector: ${collector.counts.posts} posts`, isMet: collector.counts.posts > 0 },
    await judgeFiles(join(folder, 'data')),
    ...(await Promise.all(gateways.map(judgeEnd))),
  ]
}

/** A server whose every page has two pictures. */
function startPictureServer(): ReturnType<typeof startFakeVllm> {
  const text =
    '# Pictures\n\n![image](image_1.png)112,80,640,455\n\nwhich are of this page, and\n\n![image](image_2.png)112,500,640,900'
  return startFakeVllm({ models: [PICTURE_MODEL], devMode: true, keepsRequests: false, answer: () => ({ text }) })
}

async function lookOnce(gateway: SoakGateway, asked: Counts): Promise<Look> {
  const idle = watchGateway(gateway, asked)
  await idle[Symbol.asyncDispose]()
  return idle.look()
}

function judgeGateway(looks: readonly Look[], before: Look | undefined, after: Look | undefined): Verdict[] {
  const held = before === undefined || after === undefined ? [] : judgeHeld(before, after)
  return [judgeMemory(looks, SECONDS), judgeHeap(looks, SECONDS), ...held]
}

/** Judges that all files which clients have removed are gone, and all that was made on the way; rows of batches stay for 30 days. */
async function judgeFiles(folder: string): Promise<Verdict> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const left = files.map(({ parentPath, name }) => join(parentPath, name).slice(folder.length)).filter((name) => !/^\/gateway\.db|\.row$/.test(name)) // prettier-ignore
  return { text: `no file is left ${left.slice(0, 10).join(' ')}`.trim(), isMet: left.length === 0 }
}

async function judgeEnd(gateway: SoakGateway): Promise<Verdict> {
  if (gateway.hasEnded()) return { text: 'the gateway is still there', isMet: false }
  const startedAt = performance.now()
  const code = await gateway.stop()
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  return { text: `the gateway was there, and ended with ${code} after ${seconds} s`, isMet: code === 0 }
}

/** One client, which asks one thing after another, of whichever gateway. */
async function work(
  index: number,
  urls: readonly string[],
  documents: Awaited<ReturnType<typeof makeSoakDocuments>>,
  seen: Seen,
  until: number,
): Promise<void> {
  const random = seededRandom(SEED * 1009 + index)
  while (performance.now() < until) {
    const outcome = await sendRequest(random.pick(urls), makeRequest(random, documents))
    note(outcome, seen)
    // As official clients do, though less patiently.
    if (outcome.status === 429) await delay(random.integer(100, 500))
  }
}

function note(outcome: SoakOutcome, seen: Seen): void {
  const { kind, route, caller, status, id, pages, problem } = outcome
  countOne(seen.kinds, kind)
  if (status === null) countOne(seen.left, route)
  else countOne(seen.requests, `${route} ${status}`)
  if (patientCallers.includes(caller)) seen.outcomes.push({ caller, id, pages })
  if (caller === hasty || caller === leaver)
    for (const page of pages ?? []) countOne(seen.pages, `${caller.label} ${page}`)
  if (problem !== null) seen.problems.push(problem)
}

/** Lets Redis stand still now and then, for longer than is waited for it, or shorter. */
async function haltNowAndThen(redis: RedisServer, until: number): Promise<void> {
  const random = seededRandom(SEED * 43)
  while (performance.now() < until) {
    await delay(random.integer(8000, 30_000))
    redis.pause()
    await delay(random.integer(100, 4000))
    redis.resume()
  }
}

/** Lets things happen to a server, until the soak is over. */
async function inflict(engines: Engines, index: number, until: number): Promise<void> {
  const random = seededRandom(SEED * 4001 + index)
  while (performance.now() < until) {
    await delay(random.integer(2000, 15_000))
    const fault = random.pick(serverFaults)
    engines.struck.servers[fault] = (engines.struck.servers[fault] ?? 0) + 1
    await engines.servers[index]?.inflict(fault, random.integer(300, 3000))
  }
}

/** Waits until nothing is left of what was asked. */
async function restOf({ url }: SoakGateway, asked: Counts): Promise<Verdict> {
  let verdict: Verdict = { text: '', isMet: false }
  const isAtRest = async (): Promise<boolean> => {
    verdict = judgeRest(await readMetrics(url))
    countOne(asked, '/metrics 200')
    if (!verdict.isMet) await delay(500)
    return verdict.isMet
  }
  await eventually(isAtRest, REST_MS, 'nothing runs').catch(() => {})
  return verdict
}

function printLooks(looks: readonly Look[]): void {
  const parts = 8
  const rows = Array.from({ length: parts }, (_, part) => {
    const window = [(SECONDS * part) / parts, (SECONDS * (part + 1)) / parts] as const
    const within = looks.filter(({ at }) => at >= window[0] && at < window[1])
    const most = (of: 'megabytes' | 'delayMs' | 'healthMs') => Math.max(0, ...within.map((look) => look[of])).toFixed(0)
    return {
      minute: (window[0] / 60).toFixed(1),
      'mean MB': meanOf(looks, 'megabytes', window).toFixed(0),
      'peak MB': most('megabytes'),
      'own mean MB': meanOf(looks, 'own', window).toFixed(0),
      processes: `${Math.max(0, ...within.map(({ processes }) => processes))}`,
      ...Object.fromEntries((['handles', 'threads', 'timers'] as const).map((what) => [what, `${Math.max(0, ...within.map((look) => look[what]))}`])), // prettier-ignore
      'least heap MB': Math.min(...within.map(({ heap }) => heap)).toFixed(0),
      'longest delay ms': most('delayMs'),
      'longest /health ms': most('healthMs'),
    }
  })
  printTable(rows)
  const [early, late] = [windowsOf(SECONDS).early, windowsOf(SECONDS).late]
  const delays = [early, late].map((window) => `${meanOf(looks, 'delayMs', window).toFixed(0)} ms`)
  process.stdout.write(`event loop held up for at most, on average: ${delays.join(', then ')}\n`)
}

function print({ kinds }: Seen): void {
  process.stdout.write(`${[...kinds].map(([kind, count]) => `${kind} ${count}`).join(', ')}\n`)
}

function conclude(verdicts: readonly Verdict[]): number {
  return verdicts.map(({ text, isMet }) => printBar(text, isMet)).every(Boolean) ? 0 : 1
}
