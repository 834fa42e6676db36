// `npm run bench dashboard`: asks a real Prometheus, which watches a gateway that reads pages, every query of the dashboard,
// and has it evaluate the alert rules. Needs `prometheus` in the PATH: `apt-get install prometheus`.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startFakeCollector } from '../fakes/fake-collector.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { askWhole } from '../support/read-answer.ts'
import { createBatch, linesOf } from '../support/run-batch.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { startRedis } from '../support/start-redis.ts'
import { eventually } from '../support/within.ts'
import { smallPages } from './small-pages.ts'
import { printBar, printTable, type Row } from './table.ts'

const operating = join(import.meta.dirname, '../../docs/operating')
const MODEL = 'lightonai/LightOnOCR-2-1B'
const SECONDS = 40

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[]
}

/** Returns whether each query and each rule was understood. */
export async function benchDashboard(): Promise<boolean> {
  if (spawnSync('prometheus', ['--version']).error !== undefined)
    throw new Error('prometheus is not in the PATH: apt-get install prometheus')
  await using redis = await startRedis()
  await using fake = await startFakeVllm({ answer: answerMostly() })
  await using collector = await startFakeCollector()
  await using gateway = await startTestGateway({
    GATEWAY_UPSTREAM_URLS: fake.url,
    GATEWAY_REDIS_URL: redis.url,
    GATEWAY_API_KEYS: 'archive:unused,other:else',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  })
  await using prometheus = await startPrometheus(gateway.url)
  await work(gateway)
  const queries = await askQueries(prometheus.url)
  const rules = await askRules(prometheus.url)
  printTable(queries)
  printTable(rules)
  const count = (series: string): number => queries.filter((row) => row['series'] === series).length
  const isHealthy = rules.length > 0 && rules.every(({ health }) => health === 'ok')
  process.stdout.write(`${queries.length} queries, ${count('0')} of them without a series\n`)
  return [
    printBar('Prometheus understands every query', count('error') === 0),
    printBar('and evaluates every rule', isHealthy),
  ].every(Boolean)
}

/** One answer in ten is empty, and one in fifty fails. */
function answerMostly() {
  let asked = 0
  return () => {
    asked += 1
    if (asked % 50 === 0) return { failure: { status: 500, body: { error: 'no' } } }
    return { text: asked % 10 === 0 ? '' : `page ${asked} of many`, firstDelayMs: 50 }
  }
}

async function work(gateway: TestGateway): Promise<void> {
  const body = { model: MODEL, messages: [{ role: 'user', content: [filePart(smallPages(2, 900))] }] }
  await createBatch(gateway.client, '/v1/chat/completions', linesOf('/v1/chat/completions', [{ custom_id: 'a', body }]))
  const until = performance.now() + SECONDS * 1000
  for (let number = 1; performance.now() < until; number += 6) {
    const parts = [filePart(smallPages(6, (number % 60) * 6 + 1))]
    await askWhole(gateway.client, { model: MODEL, parts, ocr: { cache: number % 4 === 1 ? 'refresh' : 'use' } }).catch(
      () => {},
    )
  }
}

async function startPrometheus(target: string) {
  const folder = mkdtempSync(join(tmpdir(), 'prometheus-'))
  const port = await freePort()
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [join(operating, 'alerts.yml')],
    scrape_configs: [{ job_name: 'ocr-gateway', static_configs: [{ targets: [new URL(target).host] }] }],
  }
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config))
  const flags = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`]
  const child = spawn('prometheus', [...flags, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' })
  const url = `http://127.0.0.1:${port}`
  const isReady = () =>
    fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  await eventually(isReady, 20_000, 'Prometheus')
  return {
    url,
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function askQueries(url: string): Promise<Row[]> {
  const { panels } = JSON.parse(readFileSync(join(operating, 'dashboard.json'), 'utf8')) as Dashboard
  const all = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })))
  return Promise.all(
    all.map(async ({ title, expr }) => {
      const query = expr.replaceAll('$__rate_interval', '20s').replaceAll('$job', '.*')
      const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`)
      const { status, data } = (await answer.json()) as {
        status: string
        data?: { result: readonly { value: readonly [number, string] }[] }
      }
      if (status !== 'success') return { query: title, series: 'error', 'first value': query }
      return { query: title, series: String(data?.result.length), 'first value': data?.result[0]?.value[1] ?? '–' }
    }),
  )
}

async function askRules(url: string): Promise<Row[]> {
  const { data } = (await (await fetch(`${url}/api/v1/rules`)).json()) as {
    data: { groups: readonly { rules: readonly { name: string; health: string }[] }[] }
  }
  return data.groups.flatMap(({ rules }) => rules.map(({ name, health }) => ({ rule: name, health })))
}
