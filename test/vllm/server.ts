import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { chooseProfile } from '../../gateway/profile/profiles.ts'
import type { ModelProfile } from '../../gateway/profile/model-profile.ts'
import { eventually } from '../support/within.ts'

/** A real vLLM, and what it said of itself. */
export interface RealVllm {
  /** `http://127.0.0.1:8000/v1` */
  readonly url: string
  readonly version: string
  readonly modelId: string
  readonly maxModelLen: number
  readonly profile: ModelProfile
  /** `VLLM_SERVER_DEV_MODE=1`: it can be put to sleep. */
  readonly hasDevMode: boolean
  /** Starts it anew after `kill`; null for a server that somebody else has started. */
  readonly control: ServerControl | null
  readonly fetch: (path: string, init?: RequestInit) => Promise<Response>
  /** The sum of a metric over its labels. */
  readonly metric: (name: string) => Promise<number>
  readonly stop: () => Promise<void>
}

/** A server that the tests have started themselves. */
export interface ServerControl {
  /** Ends every process of it at once, as the kernel does when memory runs out. */
  kill(): Promise<void>
  /** Starts it again; resolves once it answers. */
  start(): Promise<void>
}

/** What the environment says: read by `run.ts`, which explains it. */
export interface ServerSettings {
  readonly url: string
  readonly apiKey: string | null
  readonly command: string | null
  readonly startSeconds: number
}

const modelList = z.object({
  data: z.array(z.object({ id: z.string(), root: z.string().nullish(), max_model_len: z.number().nullish() })),
})

/** Reads the settings; throws what is wrong with them, in words. */
export function readSettings(environment: NodeJS.ProcessEnv = process.env): ServerSettings {
  const given = environment['VLLM_URL']?.trim() ?? ''
  if (given === '' || !URL.canParse(given)) {
    throw new Error(
      'set VLLM_URL to a vLLM that serves an OCR model, VLLM_URL=http://127.0.0.1:8000/v1, and VLLM_COMMAND to what starts it there if it is to be killed and restarted; docs/contributing.md says how. `npm test` does without.',
    )
  }
  return {
    url: `${new URL(given).origin}/v1`,
    apiKey: environment['VLLM_API_KEY'] ?? null,
    command: environment['VLLM_COMMAND'] ?? null,
    startSeconds: Number(environment['VLLM_START_SECONDS'] ?? 600),
  }
}

/** Finds the server, or starts it where a command is given, and asks what it is. */
export async function openServer(settings: ServerSettings): Promise<RealVllm> {
  const { url, apiKey, command } = settings
  const origin = new URL(url).origin
  const headers = apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(new URL(path, origin), { ...init, headers: { 'content-type': 'application/json', ...headers } })
  const answers = () => ask('/health').then(({ ok }) => ok, () => false) // prettier-ignore
  if (command !== null && (await answers()))
    throw new Error(`VLLM_COMMAND is to start the server at ${url}, and one answers there already: end it first`)
  const control = command === null ? null : controlOf(command, answers, settings.startSeconds)
  await control?.start()
  const model = modelList.parse(await (await ask('/v1/models')).json()).data[0]
  if (model === undefined) throw new Error(`the server at ${url} serves no model`)
  const { version } = z.object({ version: z.string() }).parse(await (await ask('/version')).json())
  const profile = chooseProfile({ id: model.id, root: model.root ?? model.id, parent: null }, new Map())
  if (profile === null) throw new Error(`${model.id} is no OCR model`)
  return {
    url,
    version,
    modelId: model.id,
    maxModelLen: model.max_model_len ?? profile.defaultMaxModelLen,
    profile,
    hasDevMode: (await ask('/is_sleeping')).ok,
    control,
    fetch: ask,
    async metric(name) {
      const text = await (await ask('/metrics')).text()
      const values = [...text.matchAll(new RegExp(`^${name}\\{.*\\} (\\S+)$`, 'gm'))].map(([, value]) => Number(value))
      return values.reduce((sum, value) => sum + value, 0)
    },
    stop: async () => control?.kill(),
  }
}

const LOG_FILE = join(tmpdir(), 'test-vllm-server.log')

function controlOf(command: string, answers: () => Promise<boolean>, startSeconds: number): ServerControl {
  const started = new Set<number>()
  const killAll = () => {
    for (const group of started) {
      try {
        // The API server, the engine and its workers: one group of processes.
        process.kill(-group, 'SIGKILL')
      } catch {
        // It has ended.
      }
    }
    started.clear()
  }
  process.on('exit', killAll)
  return {
    async kill() {
      killAll()
      await eventually(async () => !(await answers()), 30_000, 'the end of the server')
    },
    async start() {
      const log = createWriteStream(LOG_FILE, { flags: 'a' })
      // vLLM takes every name that begins like this for its own.
      const { VLLM_URL: _, VLLM_COMMAND: __, VLLM_START_SECONDS: ___, ...env } = process.env
      const child = spawn('sh', ['-c', command], { detached: true, env, stdio: ['ignore', 'pipe', 'pipe'] })
      child.stdout.pipe(log)
      child.stderr.pipe(log)
      if (child.pid !== undefined) started.add(child.pid)
      const hasEnded = () => child.exitCode !== null || child.signalCode !== null
      await eventually(
        async () => {
          if (hasEnded()) throw new Error(`the server ended while it started: ${LOG_FILE} says why`)
          return answers()
        },
        startSeconds * 1000,
        'the start of the server',
      )
    },
  }
}
