// Chat completions that are none of the gateway's business: what it adds to an upstream that answers at once, beside
// what Portkey's gateway adds.
import { randomBytes } from 'node:crypto'
import { Pool } from 'undici'
import { dataUrl } from '../support/documents.ts'
import { launchPortkey, portkeyHeaders, PORTKEY_INSTALL } from './peers/portkey.ts'
import { cpuSeconds, launchFake, launchGateway } from './processes.ts'
import { printBar, printTable, type Row } from './table.ts'

/** The bar of text-only requests, in milliseconds of CPU. */
const MAX_TEXT_CPU_MS = 1

/** The three ways take turns so often, each first as often as last, so that what else the machine does meets them all. */
const ROUNDS = 12
const CONCURRENCY = 8

const OCR_MODEL = 'lightonai/LightOnOCR-2-1B'
/** Pinned to no profile: even with an image, its requests pass through. */
const CHAT_MODEL = 'chat-model'

interface Workload {
  readonly name: string
  readonly body: Buffer
  readonly perRound: number
  /** The most CPU that the gateway may take, in milliseconds; null: no bar of its own. */
  readonly maxCpuMs: number | null
}

const text =
  'Explain in three sentences why the keeping of small clocks asks for a steady hand and a quiet room, where no draught may reach them, and name one tool that a keeper of clocks cannot do without.'
const chat = (model: string, content: unknown, rest: object = {}) =>
  Buffer.from(JSON.stringify({ model, messages: [{ role: 'user', content }], temperature: 0.2, ...rest }))
const image = { type: 'image_url', image_url: { url: dataUrl(randomBytes(1_000_000), 'image/png') } }

const workloads: readonly Workload[] = [
  { name: 'text', body: chat(OCR_MODEL, text), perRound: 250, maxCpuMs: MAX_TEXT_CPU_MS },
  { name: 'text, streamed', body: chat(OCR_MODEL, text, { stream: true }), perRound: 250, maxCpuMs: MAX_TEXT_CPU_MS },
  { name: '1 MB image', body: chat(CHAT_MODEL, [image, { type: 'text', text }]), perRound: 100, maxCpuMs: null },
]

/** One way to the upstream. */
interface Way {
  readonly name: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** The process between; null on the direct way. */
  readonly pid: number | null
}

/** What a workload took on one way. Times in milliseconds. */
interface Measurement {
  readonly times: number[]
  cpuSeconds: number
}

/** Runs the benchmark and prints its tables; returns whether every bar was met. */
export async function benchPassthrough(): Promise<boolean> {
  await using fake = await launchFake(['--model', OCR_MODEL, '--model', CHAT_MODEL, '--instant'])
  const settings = { GATEWAY_MODEL_PROFILES: `${CHAT_MODEL}=none`, GATEWAY_LOG_LEVEL: 'info' }
  // It writes its access log as it would anywhere; nobody reads it here.
  await using gateway = await launchGateway([fake.url], settings, 'ignore')
  await using portkey = await launchPortkey()
  if (portkey === null) process.stdout.write(`missing: Portkey's gateway (${PORTKEY_INSTALL})\n`)
  const ways: Way[] = [
    { name: 'direct', url: fake.url, headers: {}, pid: null },
    { name: 'gateway', url: `${gateway.url}/v1`, headers: {}, pid: gateway.pid },
    ...(portkey === null
      ? []
      : [{ name: 'Portkey', url: `${portkey.url}/v1`, headers: portkeyHeaders(fake.url), pid: portkey.pid }]),
  ]
  const verdicts: boolean[] = []
  for (const concurrency of [1, CONCURRENCY]) {
    const rows: Row[] = []
    for (const workload of workloads) {
      const results = await measure(await answering(ways, workload), workload, concurrency)
      rows.push(...toRows(workload, results))
      verdicts.push(...judge(workload, concurrency, results))
    }
    process.stdout.write(concurrency === 1 ? '\none after the other\n' : `\n${concurrency} at a time\n`)
    printTable(rows)
  }
  return verdicts.every(Boolean)
}

/** A peer that cannot do what is asked, as Portkey 1.15.2 cannot stream from an upstream of one's own, is named. */
async function answering(ways: readonly Way[], { name: workload, body }: Workload): Promise<readonly Way[]> {
  const able: Way[] = []
  for (const way of ways) {
    const pool = new Pool(new URL(way.url).origin)
    const failure = await load(way, pool, body, 1, 1).then(
      () => null,
      (error: Error) => error,
    )
    await pool.close()
    if (failure === null) able.push(way)
    else if (way.name !== 'Portkey') throw failure
    else process.stdout.write(`left out: ${workload} through ${failure.message}\n`)
  }
  return able
}

async function measure(ways: readonly Way[], { body, perRound }: Workload, concurrency: number) {
  const pools = new Map(ways.map((way) => [way, new Pool(new URL(way.url).origin, { connections: concurrency })]))
  const results = new Map<string, Measurement>(ways.map(({ name }) => [name, { times: [], cpuSeconds: 0 }]))
  // The first rounds warm up, and are not counted.
  for (let round = -2; round < ROUNDS; round++) {
    const turn = ways.map((_, index) => ways[(index + round + ways.length) % ways.length])
    for (const way of turn) {
      if (way === undefined) continue
      const cpuBefore = way.pid === null ? 0 : cpuSeconds(way.pid)
      const times = await load(way, pools.get(way), body, perRound, concurrency)
      const result = results.get(way.name)
      if (round < 0 || result === undefined) continue
      result.times.push(...times)
      if (way.pid !== null) result.cpuSeconds += cpuSeconds(way.pid) - cpuBefore
    }
  }
  await Promise.all([...pools.values()].map((pool) => pool.close()))
  return results
}

async function load(way: Way, pool: Pool | undefined, body: Buffer, count: number, concurrency: number) {
  if (pool === undefined) throw new Error('a way without connections')
  const path = `${new URL(way.url).pathname}/chat/completions`
  const headers = { 'content-type': 'application/json', ...way.headers }
  const times: number[] = []
  let left = count
  const work = async () => {
    while (left-- > 0) {
      const startedAt = performance.now()
      const answer = await pool.request({ method: 'POST', path, headers, body })
      const bytes = await answer.body.bytes()
      times.push(performance.now() - startedAt)
      if (answer.statusCode !== 200 || bytes.byteLength < 1000)
        throw new Error(`${way.name} answers ${answer.statusCode}`)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  return times
}

/** What a way took, and how much of it the direct one did not. In milliseconds. */
function figures(results: ReadonlyMap<string, Measurement>, name: string) {
  const [own, direct] = [results.get(name), results.get('direct')]
  if (own === undefined || direct === undefined) return null
  const [p50, p99] = [quantile(own.times, 0.5), quantile(own.times, 0.99)]
  return {
    p50,
    p99,
    'added p50': p50 - quantile(direct.times, 0.5),
    'added p99': p99 - quantile(direct.times, 0.99),
    CPU: (own.cpuSeconds * 1000) / own.times.length,
  }
}

function quantile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}

function toRows({ name: workload }: Workload, results: ReadonlyMap<string, Measurement>): Row[] {
  return [...results].map(([name, { times }], index) => {
    const of = figures(results, name)
    const isDirect = name === 'direct'
    return {
      workload: index === 0 ? workload : '',
      way: name,
      requests: String(times.length),
      'p50 ms': of?.p50.toFixed(2) ?? '',
      'p99 ms': of?.p99.toFixed(2) ?? '',
      'added p50': isDirect ? '' : (of?.['added p50'].toFixed(2) ?? ''),
      'added p99': isDirect ? '' : (of?.['added p99'].toFixed(2) ?? ''),
      'CPU ms/request': isDirect ? '' : (of?.CPU.toFixed(2) ?? ''),
    }
  })
}

function judge({ name, maxCpuMs }: Workload, concurrency: number, results: ReadonlyMap<string, Measurement>) {
  const [ours, theirs] = [figures(results, 'gateway'), figures(results, 'Portkey')]
  const what = `${name}, ${concurrency} at a time`
  if (ours === null) return [printBar(`${what}: not measured`, false)]
  const own =
    maxCpuMs === null
      ? []
      : [printBar(`${what}: ${ours.CPU.toFixed(2)} ms of CPU a request, at most ${maxCpuMs}`, ours.CPU <= maxCpuMs)]
  if (theirs === null) return own
  const beside = (['added p50', 'added p99', 'CPU'] as const).map((figure) =>
    printBar(
      `${what}: ${figure} ${ours[figure].toFixed(2)} ms, Portkey's ${theirs[figure].toFixed(2)}`,
      ours[figure] <= theirs[figure],
    ),
  )
  return [...own, ...beside]
}
