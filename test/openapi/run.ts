// `npm run test:openapi`: Schemathesis asks a gateway for thousands of things that /openapi.json says or does not say, right and
// wrong ones, and holds each answer against it. The gateway reads with a fake vLLM and with the embedded engine.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { operations } from '../../gateway/http/openapi/document.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { makeFacts } from './facts.ts'

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
]

/** Each path of a request's route is asked for so often, which makes more than 2,000 cases. */
const DEFAULT_EXAMPLES = '40'

const { values } = parseArgs({
  options: { examples: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } },
})

process.exitCode = isInstalled() ? await run() : 1

function isInstalled(): boolean {
  if (spawnSync('schemathesis', ['--version'], { stdio: 'ignore' }).status === 0) return true
  process.stderr.write(
    'test/openapi/run.ts: there is no `schemathesis` on the PATH. Install it: python3 -m venv .venv && .venv/bin/pip install schemathesis==4.32.5, and put .venv/bin on the PATH.\n',
  )
  return false
}

async function run(): Promise<number> {
  const fake = await startFakeVllm()
  const gateway = await startTestGateway({
    GATEWAY_UPSTREAM_URLS: fake.url,
    // Where nobody listens: what becomes of events is to be seen, too.
    GATEWAY_WEBHOOK_URL: 'http://127.0.0.1:9/hook',
    GATEWAY_WEBHOOK_SECRET: `whsec_${Buffer.from('schemathesis-schemathesis-000000').toString('base64')}`,
    GATEWAY_ALLOWED_URL_HOSTS: '127.0.0.1:9',
  })
  const folder = mkdtempSync(join(tmpdir(), 'schemathesis-'))
  try {
    return await ask(gateway.url, folder, await makeFacts(gateway))
  } finally {
    await gateway.stop()
    await fake.close()
    rmSync(folder, { recursive: true })
  }
}

async function ask(url: string, folder: string, facts: object): Promise<number> {
  const report = join(folder, 'report.ndjson')
  const options = [
    `--checks=${CHECKS.join(',')}`,
    `--max-examples=${values.examples ?? DEFAULT_EXAMPLES}`,
    `--seed=${values.seed ?? '1'}`,
    '--phases=examples,coverage,fuzzing,stateful',
    '--request-timeout=30',
    '--suppress-health-check=all',
    '--continue-on-failure',
    // Its answers never end; test/contract/status.test.ts looks at them.
    '--exclude-path=/status/events',
    '--warnings=off',
    '--generation-database=none',
    `--report-ndjson-path=${report}`,
    ...(values.only === undefined ? [] : [`--include-path-regex=${values.only}`]),
  ]
  const child = spawn('schemathesis', ['run', `${url}/openapi.json`, ...options], {
    stdio: 'inherit',
    cwd: folder,
    env: {
      ...process.env,
      SCHEMATHESIS_HOOKS: 'hooks',
      PYTHONPATH: import.meta.dirname,
      PYTHONDONTWRITEBYTECODE: '1',
      OPENAPI_FACTS: JSON.stringify(facts),
    },
  })
  const [status] = (await once(child, 'exit')) as [number | null]
  process.stdout.write(summaryOf(readFileSync(report, 'utf8')))
  return status ?? 1
}

interface Scenario {
  readonly recorder: {
    readonly cases?: Readonly<Record<string, { readonly value: { readonly method: string; readonly path: string } }>>
    readonly interactions?: Readonly<Record<string, { readonly response: { readonly status_code: number } | null }>>
  }
}

/** Says how often each status was answered, and which operations never were right: their answers were not looked at. */
function summaryOf(report: string): string {
  const described = new Set(operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`))
  const scenarios = report
    .split('\n')
    .filter((line) => line.startsWith('{"ScenarioFinished"'))
    .map((line) => (JSON.parse(line) as { readonly ScenarioFinished: Scenario }).ScenarioFinished)
  const answers = scenarios.flatMap(({ recorder: { cases = {}, interactions = {} } }) =>
    Object.entries(interactions).map(([id, { response }]) => {
      const { method = '', path = '' } = cases[id]?.value ?? {}
      return {
        operation: `${method} ${path}`,
        status: response?.status_code ?? 0,
        isDescribed: described.has(`${method} ${path}`),
      }
    }),
  )
  const counts = [...Map.groupBy(answers, ({ status }) => status)].map(([status, of]) => ({ status, count: of.length }))
  const unanswered = [...Map.groupBy(answers, ({ operation }) => operation)]
    .filter(([, of]) => of.every(({ status, isDescribed }) => isDescribed && status >= 300))
    .map(([operation]) => operation)
  const said = counts.toSorted((a, b) => a.status - b.status).map(({ status, count }) => `${status}: ${count}`)
  return `${answers.length} answers (${said.join(', ')})\nnever 2xx: ${unanswered.toSorted().join(', ') || 'none'}\n`
}
