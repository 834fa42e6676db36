// `npm run soak [-- --minutes 20 --seed 1 --clients 8 --redis]`: all that clients do, damaged documents and failing servers
// included, for many minutes. Ends with 1 when memory or handles grow, when something is left over at the end, or when log,
// metrics and clients do not agree.
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { printBar, printTable } from '../bench/table.ts'
import { serverFaults } from '../fakes/faulty-vllm.ts'
import { startEngines, type Engines } from '../support/faults/engines.ts'
import { planPage } from '../support/faults/pages.ts'
import { readMetrics } from '../support/read-metrics.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { startRedis } from '../support/start-redis.ts'
import { eventually } from '../support/within.ts'
import { makeSoakDocuments } from './documents.ts'
import { countOne, startSoakGateway, type Counts, type SoakGateway } from './gateway.ts'
import { KEYS, makeRequest, sendRequest } from './requests.ts'
import { judgeCounts, judgeHandles, judgeMemory, judgePages, judgeRest, meanOf, windowsOf, type Verdict } from './verdict.ts' // prettier-ignore
import { watchGateway, type Look } from './watch.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    clients: { type: 'string', default: '8' },
    redis: { type: 'boolean', default: false },
  },
})
const SEED = Number(values.seed)
const SECONDS = Number(values.minutes) * 60
const SERVERS = 2
/** What runs ends within its page's time; idle connections of both sides are closed after four seconds. */
const REST_MS = 60_000
const IDLE_MS = 10_000
const MAX_PROBLEMS = 20

const SETTINGS = {
  GATEWAY_API_KEYS: KEYS.join(),
  GATEWAY_PAGE_TIMEOUT_SECONDS: '15',
  GATEWAY_LOOKAHEAD: '32',
  // Full within two minutes: what it holds is no growth.
  GATEWAY_CACHE_MAX_BYTES: '2000000',
  GATEWAY_RASTERIZE_TIMEOUT_SECONDS: '10',
}

/** What the clients have seen, all together. */
interface Seen {
  readonly requests: Counts
  readonly left: Counts
  readonly pages: Counts
  readonly kinds: Counts
  readonly problems: string[]
}

process.exitCode = await soak()

async function soak(): Promise<number> {
  await using engines = await startEngines(SERVERS, (number) => planPage(SEED, number), { keepsRequests: false })
  await using redis = values.redis ? await startRedis({ args: ['--maxmemory', '8mb', '--maxmemory-policy', 'allkeys-lru'] }) : null // prettier-ignore
  const upstreams = engines.servers.map(({ url }) => url).join()
  const store = redis === null ? {} : { GATEWAY_REDIS_URL: redis.url }
  await using gateway = await startSoakGateway({ ...SETTINGS, ...store, GATEWAY_UPSTREAM_URLS: upstreams })
  const seen: Seen = { requests: new Map(), left: new Map(), pages: new Map(), kinds: new Map(), problems: [] }
  const documents = await makeSoakDocuments()
  const idle = watchGateway(gateway, seen.requests)
  await idle[Symbol.asyncDispose]()
  const handles = (await idle.look()).handles
  const until = performance.now() + SECONDS * 1000
  const watch = watchGateway(gateway, seen.requests)
  const clients = Array.from({ length: Number(values.clients) }, (_, index) => work(index, gateway, documents, seen, until)) // prettier-ignore
  await Promise.all([...clients, ...engines.servers.map((_, index) => inflict(engines, index, until))])
  await watch[Symbol.asyncDispose]()
  const rest = await restOf(gateway, seen.requests)
  await delay(IDLE_MS)
  const end = await watch.look()
  // The last lines of the log are on their way.
  await delay(1000)
  print(watch.looks, seen)
  return conclude([
    judgeMemory(watch.looks, SECONDS),
    judgeHandles(handles, end.handles),
    rest,
    ...judgeCounts({ clients: seen.requests, left: seen.left, logged: gateway.logged, samples: end.samples }),
    judgePages(end.samples, seen.pages),
    { text: `the gateway wrote no strange line ${gateway.strange.join('\n')}`, isMet: gateway.strange.length === 0 },
    { text: `no client met what must not be ${seen.problems.join('\n')}`, isMet: seen.problems.length === 0 },
    { text: 'the gateway is still there', isMet: !gateway.hasEnded() },
  ])
}

/** One client, which asks one thing after another. */
async function work(
  index: number,
  { url }: SoakGateway,
  documents: Awaited<ReturnType<typeof makeSoakDocuments>>,
  seen: Seen,
  until: number,
): Promise<void> {
  const random = seededRandom(SEED * 1009 + index)
  while (performance.now() < until) {
    const { kind, route, status, pages, problem } = await sendRequest(url, makeRequest(random, documents))
    countOne(seen.kinds, kind)
    if (status === null) countOne(seen.left, route)
    else countOne(seen.requests, `${route} ${status}`)
    for (const page of pages) countOne(seen.pages, page)
    if (problem !== null && seen.problems.length < MAX_PROBLEMS) seen.problems.push(problem)
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

function print(looks: readonly Look[], { kinds }: Seen): void {
  const parts = 8
  const rows = Array.from({ length: parts }, (_, part) => {
    const window = [(SECONDS * part) / parts, (SECONDS * (part + 1)) / parts] as const
    const within = looks.filter(({ at }) => at >= window[0] && at < window[1])
    const most = (of: 'megabytes' | 'delayMs' | 'healthMs') => Math.max(0, ...within.map((look) => look[of])).toFixed(0)
    return {
      minute: (window[0] / 60).toFixed(1),
      'mean MB': meanOf(looks, 'megabytes', window).toFixed(0),
      'peak MB': most('megabytes'),
      processes: `${Math.max(0, ...within.map(({ processes }) => processes))}`,
      handles: `${Math.max(0, ...within.map(({ handles }) => handles))}`,
      'longest delay ms': most('delayMs'),
      'longest /health ms': most('healthMs'),
    }
  })
  printTable(rows)
  const [early, late] = [windowsOf(SECONDS).early, windowsOf(SECONDS).late]
  const delays = [early, late].map((window) => `${meanOf(looks, 'delayMs', window).toFixed(0)} ms`)
  process.stdout.write(`event loop held up for at most, on average: ${delays.join(', then ')}\n`)
  process.stdout.write(`${[...kinds].map(([kind, count]) => `${kind} ${count}`).join(', ')}\n\n`)
}

function conclude(verdicts: readonly Verdict[]): number {
  return verdicts.map(({ text, isMet }) => printBar(text, isMet)).every(Boolean) ? 0 : 1
}
