// `npm run test:openapi`: Schemathesis asks a gateway for thousands of things that /openapi.json says or does not say, right and
// wrong ones, and holds each answer against it. The gateway reads with a fake vLLM and with the embedded engine.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { startTestGateway } from '../support/start-gateway.ts'

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
    return await ask(gateway.url, folder)
  } finally {
    await gateway.stop()
    await fake.close()
    rmSync(folder, { recursive: true })
  }
}

async function ask(url: string, folder: string): Promise<number> {
  const report = join(folder, 'report.ndjson')
  const options = [
    `--checks=${CHECKS.join(',')}`,
    `--max-examples=${values.examples ?? DEFAULT_EXAMPLES}`,
    `--seed=${values.seed ?? '1'}`,
    '--phases=examples,coverage,fuzzing',
    '--request-timeout=30',
    '--suppress-health-check=all',
    '--continue-on-failure',
    '--warnings=off',
    '--generation-database=none',
    `--report-ndjson-path=${report}`,
    ...(values.only === undefined ? [] : [`--include-path-regex=${values.only}`]),
  ]
  const child = spawn('schemathesis', ['run', `${url}/openapi.json`, ...options], { stdio: 'inherit', cwd: folder })
  const [status] = (await once(child, 'exit')) as [number | null]
  return status ?? 1
}
