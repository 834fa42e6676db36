// Documents whose pages are all known: what an answer takes that nothing is drawn and nobody asked for, beside the same
// request for one of the pages.
import { Pool } from 'undici'
import { filePart } from '../support/documents.ts'
import { startRedis } from '../support/start-redis.ts'
import { cpuSeconds, launchFake, launchGateway } from './processes.ts'
import { connect, MODEL } from './read-document.ts'
import { smallPages } from './small-pages.ts'
import { printBar, printTable, type Row } from './table.ts'

/** The bars: the median of a document of so many pages, in milliseconds. */
const MAX_MS: ReadonlyMap<number, number> = new Map([
  [100, 8],
  [2000, 100],
])

/** What is asked so often: V8 has compiled what it uses often after some hundred pages. */
const ROUNDS: ReadonlyMap<number, number> = new Map([
  [100, 60],
  [2000, 24],
])
const WARMING_ROUNDS = 12

/** One way to ask for a document. */
interface Way {
  readonly name: string
  readonly body: (pages: string | null) => Buffer
}

/** What a request took, in milliseconds. */
interface Measurement {
  readonly times: number[]
  cpu: number
}

/** Runs the benchmark and prints its tables; returns whether every bar was met. `memory` and `redis` are its cases. */
export async function benchCached(only?: string): Promise<boolean> {
  const stores = ['memory', 'redis'].filter((store) => only === undefined || store === only)
  if (stores.length === 0) throw new Error('the cases of this benchmark: memory, redis')
  const verdicts: boolean[] = []
  for (const store of stores) {
    await using redis = store === 'redis' ? await startRedis() : null
    verdicts.push(...(await benchStore(store, redis === null ? {} : { GATEWAY_REDIS_URL: redis.url })))
  }
  return verdicts.every(Boolean)
}

async function benchStore(store: string, settings: Readonly<Record<string, string>>): Promise<boolean[]> {
  await using fake = await launchFake(['--model', MODEL, '--instant'])
  await using gateway = await launchGateway([fake.url], settings)
  const pool = new Pool(gateway.url)
  const rows: Row[] = []
  const verdicts: boolean[] = []
  for (const [pages, maxMs] of MAX_MS) {
    for (const way of await waysOf(gateway.url, smallPages(pages))) {
      // The first request reads the pages.
      await ask(pool, way.body(null), pages, 'MISS')
      const { whole, one } = await measure(pool, gateway.pid, way, pages)
      const [median, fixed] = [quantile(whole.times, 0.5), quantile(one.times, 0.5)]
      rows.push({
        [`in ${store}`]: `${pages} pages, ${way.name}`,
        'p50 ms': median.toFixed(1),
        'p95 ms': quantile(whole.times, 0.95).toFixed(1),
        'CPU ms': (whole.cpu / whole.times.length).toFixed(1),
        'one page: p50 ms': fixed.toFixed(1),
        p95: quantile(one.times, 0.95).toFixed(1),
        CPU: (one.cpu / one.times.length).toFixed(1),
        'µs for each page': (((median - fixed) * 1000) / (pages - 1)).toFixed(0),
      })
      const what = `${store}, ${pages} known pages, ${way.name}: ${median.toFixed(1)} ms, at most ${maxMs}`
      verdicts.push(printBar(what, median <= maxMs))
    }
  }
  await pool.close()
  printTable(rows)
  return verdicts
}

async function waysOf(url: string, document: Uint8Array): Promise<readonly Way[]> {
  const file = new File([Buffer.from(document)], 'document.pdf', { type: 'application/pdf' })
  const { id } = await connect(url).files.create({ file, purpose: 'user_data' })
  const bodyOf = (part: object, stream: boolean) => (pages: string | null) =>
    Buffer.from(
      JSON.stringify({
        model: MODEL,
        messages: [{ role: 'user', content: [part] }],
        stream,
        ocr: pages === null ? {} : { pages },
      }),
    )
  return [
    { name: 'data URL', body: bodyOf(filePart(document), false) },
    { name: 'data URL, streamed', body: bodyOf(filePart(document), true) },
    { name: 'uploaded file', body: bodyOf({ type: 'file', file: { file_id: id } }, false) },
  ]
}

/** All of a document and one page of it take turns, so that what else the machine does meets both. */
async function measure(pool: Pool, pid: number, { body }: Way, pages: number) {
  const whole: Measurement = { times: [], cpu: 0 }
  const one: Measurement = { times: [], cpu: 0 }
  const asked = [
    { into: whole, bytes: body(null), expected: pages },
    { into: one, bytes: body('1'), expected: 1 },
  ]
  const rounds = ROUNDS.get(pages) ?? 1
  for (let round = -WARMING_ROUNDS; round < rounds; round++) {
    for (const { into, bytes, expected } of asked) {
      const cpuBefore = cpuSeconds(pid)
      const milliseconds = await ask(pool, bytes, expected, 'HIT')
      if (round < 0) continue
      into.times.push(milliseconds)
      into.cpu += (cpuSeconds(pid) - cpuBefore) * 1000
    }
  }
  return { whole, one }
}

/** Asks, and returns how long the answer took, in milliseconds. */
async function ask(pool: Pool, body: Buffer, pages: number, cache: 'HIT' | 'MISS'): Promise<number> {
  const startedAt = performance.now()
  const headers = { 'content-type': 'application/json' }
  const answer = await pool.request({ method: 'POST', path: '/v1/chat/completions', headers, body })
  const text = await answer.body.text()
  const milliseconds = performance.now() - startedAt
  const found = text.split(`"cache":"${cache.toLowerCase()}"`).length - 1
  if (answer.statusCode !== 200 || (cache === 'HIT' && found !== pages)) {
    throw new Error(`${answer.statusCode}: ${found} of ${pages} pages were found: ${text.slice(0, 500)}`)
  }
  return milliseconds
}

function quantile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
