import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { loadConfig, type Config } from '../config/load.ts'
import { CommandError, EXIT } from './say.ts'

/** A gateway that can be asked. */
export interface Connection extends AsyncDisposable {
  readonly client: OpenAI
  /** `http://127.0.0.1:8080/v1` */
  readonly baseUrl: string
  /** Whether it was started for this command, and ends with it. */
  readonly isOwn: boolean
  /** Lets a gateway of its own begin no more pages: what an engine has taken is finished, and kept. */
  leave(): void
}

/** How a connection is made. */
export interface ConnectOptions {
  /** Undefined: a gateway of this command's own. */
  readonly baseUrl: string | undefined
  /** Where a gateway of its own keeps what must survive the process; null: a folder that goes with it. */
  readonly dataDir: string | null
  /** Whether it may download what the user has named. */
  readonly allowUrls: boolean
}

/** No document may be given up for the client's sake: the gateway has its own limits. In milliseconds. */
const TIMEOUT = 24 * 3600 * 1000

/** Connects to the gateway at `baseUrl`, or starts one. */
export async function connect(options: ConnectOptions, env: NodeJS.ProcessEnv): Promise<Connection> {
  if (options.baseUrl === undefined) return startOwn(options, env)
  const baseUrl = normalized(options.baseUrl)
  return {
    client: createClient(baseUrl, env),
    baseUrl,
    isOwn: false,
    leave() {},
    [Symbol.asyncDispose]: async () => {},
  }
}

function createClient(baseURL: string, env: NodeJS.ProcessEnv): OpenAI {
  // When the command is stopped, it will be given again.
  const defaultHeaders = { 'x-ocr-on-disconnect': 'finish' }
  const apiKey = env['OPENAI_API_KEY'] || 'none'
  // Tries again by itself, which knows more of documents. What the environment says of organizations is not for a gateway.
  return new OpenAI({
    baseURL,
    apiKey,
    maxRetries: 0,
    timeout: TIMEOUT,
    organization: null,
    project: null,
    defaultHeaders,
  })
}

/** Gateways are known by their address, and clients are given the one with `/v1`. */
function normalized(text: string): string {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`)
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw new CommandError(EXIT.usage, `--base-url must be an address such as http://127.0.0.1:8080/v1`)
  const path = url.pathname.replace(/\/+$/, '')
  return `${url.origin}${path === '' ? '/v1' : path}`
}

async function startOwn(options: ConnectOptions, env: NodeJS.ProcessEnv): Promise<Connection> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'ocr-')))
  const removeData = async (): Promise<void> => {
    if (options.dataDir === null) await rm(dataDir, { recursive: true, force: true })
  }
  try {
    // A command that asks another gateway does without all of this one's libraries.
    const { startGateway } = await import('../server.ts')
    // Nobody else on this machine has a use for it.
    const key = randomUUID()
    const config = await ownConfig(options, { ...env, GATEWAY_DATA_DIR: dataDir, GATEWAY_API_KEYS: `ocr:${key}` })
    const leaving = new AbortController()
    const keepsPages = options.dataDir !== null
    const gateway = await startGateway(config, { keepsPages, leaving: leaving.signal })
    const baseUrl = `${gateway.url}/v1`
    return {
      client: createClient(baseUrl, { OPENAI_API_KEY: key }),
      baseUrl,
      isOwn: true,
      leave: () => leaving.abort(),
      async [Symbol.asyncDispose]() {
        await gateway.stop()
        await removeData()
      },
    }
  } catch (error) {
    await removeData()
    throw error
  }
}

/**
 * The settings that say how documents are read. Those that say how a gateway serves others are not for one that serves this
 * command alone; with its Redis it would take part in the work of a deployment.
 */
const OWN_SETTINGS =
  /^GATEWAY_(UPSTREAM_|MODEL_|FIRST_TOKEN_|IDLE_|PAGE_|RASTERIZ|TESSERACT_|ALLOW(ED)?_URL|MAX_|LOOKAHEAD|TEXT_|GOTENBERG_|ESCALATION_|CACHE_|LOG_)/

async function ownConfig({ allowUrls }: ConnectOptions, env: NodeJS.ProcessEnv): Promise<Config> {
  const { configurationProblems } = await import('../services.ts')
  const { config, problems } = loadConfig({
    GATEWAY_LOG_LEVEL: 'silent',
    GATEWAY_LOG_FORMAT: 'pretty',
    ...(allowUrls ? { GATEWAY_ALLOW_URLS: 'true' } : {}),
    ...Object.fromEntries(Object.entries(env).filter(([name, value]) => OWN_SETTINGS.test(name) && value !== '')),
    GATEWAY_PORT: '0',
    GATEWAY_DATA_DIR: env['GATEWAY_DATA_DIR'],
    GATEWAY_API_KEYS: env['GATEWAY_API_KEYS'],
    GATEWAY_DRAIN_SECONDS: '1',
  })
  const found = config === null ? problems : configurationProblems(config)
  if (config === null || found.length > 0) throw new CommandError(EXIT.usage, found.join('\n'))
  return config
}
