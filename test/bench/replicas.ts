// Three gateways in front of one server, which share its places through Redis, beside one gateway alone.
import { setTimeout as delay } from 'node:timers/promises'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { startRedis } from '../support/start-redis.ts'
import { launchGateway, type Launched } from './processes.ts'
import { connect, readDocument } from './read-document.ts'
import { smallPages } from './small-pages.ts'
import { printBar, printTable } from './table.ts'

const PLACES = 16
const SECONDS = 0.5
const REPLICAS = 3
/** The pages of a run, all replicas together; before them, as many warm up the limit. Fewer, and the last half second decides. */
const PAGES = 960
const DOCUMENT_PAGES = 20
const MIN_RATIO = 0.95
/** How many more pages may usually be at the server than one gateway has there. */
const MORE = 1
/** A search for the limit tries half as many more for a moment. */
const STEP = 1.5
/** What happens in the middle of a run. */
type Event = 'replica killed' | 'Redis killed for 10 s' | null

interface Case {
  readonly name: string
  /** Documents that each replica reads. */
  readonly documents: readonly number[]
  readonly event: Event
  /** The server's places, as an operator says; left out: found out. */
  readonly pinned?: number | null
}

const DOCUMENTS = PAGES / DOCUMENT_PAGES
const alone: Case = { name: 'one replica', documents: [DOCUMENTS], event: null }
const cases: readonly Case[] = [
  { name: 'three, equal demand', documents: [16, 16, 16], event: null },
  { name: 'three, unequal demand', documents: [DOCUMENTS - 2, 1, 1], event: null },
  { name: 'three, all at one', documents: [DOCUMENTS, 0, 0], event: null },
  { name: 'three, unequal, pinned to 16', documents: [DOCUMENTS - 2, 1, 1], event: null, pinned: PLACES },
  { name: 'three, one killed', documents: [16, 16, 16], event: 'replica killed' },
  { name: 'three, Redis killed for 10 s', documents: [16, 16, 16], event: 'Redis killed for 10 s' },
]

/** Runs all cases, or those whose name has the words in it, and prints a table; returns whether every bar was met. */
export async function benchReplicas(only = ''): Promise<boolean> {
  const base = await runCase(alone)
  const runs = [base]

  for (const each of cases.filter(({ name }) => name.includes(only))) {
    runs.push(await runCase(each))
  }
  printTable(
    runs.map(({ name, rate, usual, peak, pages }) => ({
      case: name,
      pages: `${pages}`,
      'pages/s': rate.toFixed(1),
      'of one': (rate / base.rate).toFixed(3),
      'usually at the server': `${usual}`,
      most: `${peak}`,
    })),
  )
  const verdicts = runs
    .slice(1)
    .flatMap(({ name, rate, usual, peak, pinned, isDisturbed }) => [
      isDisturbed ||
        pinned !== null ||
        printBar(
          `${name}: ${(rate / base.rate).toFixed(3)} of one's pages, at least ${MIN_RATIO}`,
          rate >= base.rate * MIN_RATIO,
        ),
      printBar(
        `${name}: usually ${usual} pages at the server, at most ${MORE} more than one's ${base.usual}`,
        usual <= base.usual + MORE,
      ),
      printBar(
        `${name}: never more than ${pinned ?? base.peak * STEP} pages at the server: ${peak}`,
        peak <= (pinned ?? base.peak * STEP),
      ),
    ])
  return verdicts.every(Boolean)
}

async function runCase({ name, documents, event, pinned = null }: Case) {
  await using stack = new AsyncDisposableStack()
  const redis = stack.use(await startRedis({ args: ['--appendonly', 'yes'] }))
  const fake = stack.adopt(
    await startFakeVllm({ service: { places: PLACES, seconds: SECONDS }, keepsRequests: false }),
    (it) => it.close(),
  )
  const settings = {
    GATEWAY_REDIS_URL: redis.url,
    GATEWAY_CACHE_MAX_BYTES: '0',
    ...(pinned === null ? {} : { GATEWAY_UPSTREAM_CONCURRENCY: `${pinned}` }),
  }
  const gateways: Launched[] = []
  for (const index of documents.keys()) {
    const folder = { GATEWAY_DATA_DIR: `/tmp/bench-replicas-${process.pid}-${index}` }
    gateways.push(stack.use(await launchGateway([fake.url], { ...settings, ...folder }, 'ignore')))
  }
  let next = 1
  const read = async (gateway: Launched, count: number): Promise<number> => {
    const readings = Array.from({ length: count }, () => {
      next += DOCUMENT_PAGES
      return readDocument(connect(gateway.url), smallPages(DOCUMENT_PAGES, next)).then(
        ({ pagesRead }) => pagesRead,
        () => 0,
      )
    })
    return (await Promise.all(readings)).reduce((sum, pages) => sum + pages, 0)
  }
  const readAll = async () =>
    (await Promise.all(gateways.map((gateway, index) => read(gateway, documents[index] ?? 0)))).reduce(
      (sum, pages) => sum + pages,
      0,
    )
  await readAll()
  using watch = watchPeak(fake)
  const startedAt = performance.now()
  const reading = readAll()
  const ended = reading.then(() => performance.now())
  await delay(3000)
  if (event === 'replica killed') await gateways[REPLICAS - 1]?.[Symbol.asyncDispose]()
  if (event === 'Redis killed for 10 s') {
    await redis.kill()
    await delay(10_000)
    await redis.restart()
  }
  const pages = await reading
  return {
    name,
    pages,
    rate: pages / (((await ended) - startedAt) / 1000),
    pinned,
    peak: watch.peak(),
    usual: watch.usual(),
    isDisturbed: event !== null,
  }
}

/** Looks again and again at how many pages are at the server. */
function watchPeak(fake: FakeVllm) {
  const seen: number[] = []
  const timer = setInterval(() => seen.push(fake.requests.length), 5)
  const sorted = () => seen.toSorted((a, b) => a - b)
  return {
    peak: () => sorted().at(-1) ?? 0,
    /** For half of the time there are more. */
    usual: () => sorted()[Math.floor(seen.length / 2)] ?? 0,
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
