import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../config/load.ts'
import { startGateway } from '../server.ts'
import type { Services } from '../services.ts'
import type { Finding } from '../wiring/finding.ts'
import { connect } from './connect.ts'
import { listModels } from './preflight.ts'
import { CommandError } from './say.ts'

const READY_TIMEOUT = 5000

/** Looks at the engines: a gateway with these settings, which nobody knows of, says what it finds behind it. */
export async function checkEngines(config: Config): Promise<Finding[]> {
  if (config.GATEWAY_UPSTREAM_URLS.length === 0) {
    const todo = 'set GATEWAY_UPSTREAM_URLS to use vLLM'
    return [{ what: 'Engine', state: 'note', text: 'the embedded one, Tesseract: no upstream is set', todo }]
  }
  // The real folder may be that of a gateway that runs.
  const dataDir = await mkdtemp(join(tmpdir(), 'ocr-'))
  const quiet: Config = {
    ...config,
    GATEWAY_DATA_DIR: dataDir,
    GATEWAY_HOST: '127.0.0.1',
    GATEWAY_PORT: 0,
    GATEWAY_REDIS_URL: null,
    GATEWAY_LOG_LEVEL: 'silent',
    GATEWAY_DRAIN_SECONDS: 0,
  }
  const gateway = await startGateway(quiet)
  const { services } = gateway
  try {
    const profiles = new Map(services.models.list().map(({ id, profile }) => [id, profile?.id ?? null]))
    return services.upstreams.status().flatMap((status) => upstreamFindings(status, profiles))
  } finally {
    await gateway.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

type UpstreamStatus = ReturnType<Services['upstreams']['status']>[number]

function upstreamFindings(
  { url, problem, warnings, models }: UpstreamStatus,
  profiles: ReadonlyMap<string, string | null>,
): Finding[] {
  const what = `Upstream ${url}`
  if (problem !== null) {
    const todo = 'see that vLLM runs there, that this machine reaches it, and that GATEWAY_UPSTREAM_API_KEY is its key'
    return [{ what, state: 'broken', text: problem, todo }]
  }
  const texts = models.map((id) => {
    const profile = profiles.get(id) ?? null
    return profile === null ? `${id} (no OCR model: its chats pass through)` : `${id} (profile ${profile})`
  })
  const notes = warnings.map((text): Finding => ({ what, state: 'note', text }))
  const text = texts.join(', ')
  if (models.some((id) => (profiles.get(id) ?? null) !== null)) return [{ what, state: 'good', text }, ...notes]
  const todo = 'serve one of docs/models.md, or pin a profile with GATEWAY_MODEL_PROFILES'
  return [{ what, state: 'note', text, todo }, ...notes]
}

/** Looks at a gateway that runs. */
export async function checkGateway(baseUrl: string, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const what = `Gateway ${baseUrl}`
  try {
    await using connection = await connect({ baseUrl, dataDir: null, allowUrls: false }, env)
    const models = await listModels(connection)
    const readers = models.filter(({ capabilities }) => capabilities?.ocr).map(({ id }) => id)
    return [{ what, state: 'good', text: `reads with ${readers.join(', ')}` }, await readiness(connection.baseUrl)]
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    return [{ what, state: 'broken', text: error.message }]
  }
}

async function readiness(baseUrl: string): Promise<Finding> {
  const what = 'Gateway readiness'
  const address = baseUrl.replace(/\/v1$/, '/ready')
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(READY_TIMEOUT) })
    const { status, upstreams = [] } = (await response.json()) as {
      status: string
      upstreams?: { url: string; status: string }[]
    }
    const bad = upstreams.filter((each) => each.status !== 'ok').map((each) => `${each.url}: ${each.status}`)
    if (response.ok && bad.length === 0) return { what, state: 'good', text: status }
    const todo = 'run `ocr doctor` where the gateway runs, with its settings'
    return { what, state: response.ok ? 'note' : 'broken', text: [status, ...bad].join('; '), todo }
  } catch (error) {
    return { what, state: 'note', text: `${address} does not answer: ${(error as Error).message}` }
  }
}
