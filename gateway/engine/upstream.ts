import { setMaxListeners } from 'node:events'
import { GatewayError } from '../errors.ts'
import type { ServedModel } from '../profile/model-profile.ts'
import { readServedModels } from './served-models.ts'
import type { ChooseProfile } from './served-models.ts'
import { connectUpstream } from './upstream-connection.ts'
import type { ConnectionOptions, UpstreamConnection, UpstreamRequest, UpstreamResponse } from './upstream-connection.ts'

/** Says one thing about an upstream to whoever keeps the log. */
export type UpstreamLog = (level: 'info' | 'warn', message: string, fields: Readonly<Record<string, unknown>>) => void

/** What one upstream is made with, beside its address. */
export interface UpstreamOptions extends ConnectionOptions {
  readonly chooseProfile: ChooseProfile
  readonly onLog?: UpstreamLog
}

/** What `/ready` says of one upstream. */
export interface UpstreamStatus {
  readonly url: string
  /** Null when it answers. */
  readonly problem: string | null
  /** Served-model names, the last that were heard. */
  readonly models: readonly string[]
  readonly inFlight: number
}

/** One request's claim on an upstream: it counts as in flight until it is released, by hand or by `using`. */
export interface UpstreamLease extends Disposable {
  readonly url: string
  /** Sends over the upstream's own connections; see UpstreamConnection. A failure tells the others to go elsewhere. */
  send(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse>
  /** May be called twice. */
  release(): void
}

/** One vLLM server: what it serves, whether it is well, and how much it has to do. */
export interface Upstream {
  /** What it serves, or served when it was last heard. */
  readonly models: () => readonly ServedModel[]
  /** Why it should not be asked; null when it is well. */
  readonly problem: () => string | null
  readonly inFlight: () => number
  status(): UpstreamStatus
  /** Asks what it serves and how it is. Never throws. */
  discover(signal: AbortSignal): Promise<void>
  /** Counts one request more as in flight. `onTrouble` is called when the upstream should be looked at again. */
  lease(onTrouble: () => void): UpstreamLease
  close(): Promise<void>
}

/** `/models` and `/health` are answered from memory: a server that takes longer is not well. In milliseconds. */
const DISCOVERY_TIMEOUT = 5000

/** Creates one upstream, not yet asked. */
export function createUpstream(baseUrl: string, options: UpstreamOptions): Upstream {
  const connection = connectUpstream(baseUrl, options)
  const { url } = connection
  let models: readonly ServedModel[] = []
  let problem: string | null = 'it has not been asked yet'
  let inFlight = 0

  function setProblem(next: string | null): void {
    if (next !== problem) {
      const fields = { url, models: models.map(({ id }) => id) }
      if (next === null) options.onLog?.('info', 'upstream is well', fields)
      else options.onLog?.('warn', `upstream has a problem: ${next}`, fields)
    }
    problem = next
  }

  async function discover(signal: AbortSignal): Promise<void> {
    const limit = new AbortController()
    const abort = () => limit.abort(signal.reason)
    const timer = setTimeout(() => limit.abort(new Error('it did not say what it serves in time')), DISCOVERY_TIMEOUT)
    signal.addEventListener('abort', abort, { once: true })
    setMaxListeners(0, limit.signal)
    try {
      const unwell = await askHealth(connection, limit.signal)
      models = await askModels(connection, options.chooseProfile, limit.signal)
      setProblem(unwell ?? (models.length === 0 ? 'it serves no model' : null))
    } catch (error) {
      if (!signal.aborted) setProblem(describe(error))
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
  }

  function lease(onTrouble: () => void): UpstreamLease {
    let held = true
    inFlight += 1
    const release = () => {
      if (held) inFlight -= 1
      held = false
    }
    async function send(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse> {
      try {
        const response = await connection.send(request, signal)
        // 404: another model is served now. 503: the engine is dead, starting, or full.
        if (response.status === 404 || response.status === 503) onTrouble()
        return response
      } catch (error) {
        if (error instanceof GatewayError && error.code === 'engine_unavailable') {
          setProblem(describe(error))
          onTrouble()
        }
        throw error
      }
    }
    return { url, send, release, [Symbol.dispose]: release }
  }

  return {
    models: () => models,
    problem: () => problem,
    inFlight: () => inFlight,
    status: () => ({ url, problem, models: models.map(({ id }) => id), inFlight }),
    discover,
    lease,
    close: () => connection.close(),
  }
}

async function askModels(
  connection: UpstreamConnection,
  chooseProfile: ChooseProfile,
  signal: AbortSignal,
): Promise<readonly ServedModel[]> {
  const { status, body } = await connection.send({ method: 'GET', path: '/models' }, signal)
  const text = await body.text()
  if (status === 401 || status === 403) {
    throw new Error(`it refused the gateway's key (${status}): set GATEWAY_UPSTREAM_API_KEY`)
  }
  if (status !== 200) throw new Error(`it answered ${status} to GET /models`)
  const models = readServedModels(parseJson(text), chooseProfile)
  if (models === null)
    throw new Error(
      'its answer to GET /models is no list of models: is the URL its base URL, as in http://vllm:8000/v1?',
    )
  return models
}

/** vLLM keeps listing its models when its engine is dead, and says so only here. Other servers have no such path. */
async function askHealth(connection: UpstreamConnection, signal: AbortSignal): Promise<string | null> {
  const { status, body } = await connection.send({ method: 'GET', path: '/../health' }, signal)
  await body.dump()
  return status === 503 ? 'its engine is not running (503 from /health)' : null
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function describe(error: unknown): string {
  // A GatewayError's message speaks to callers of the gateway; what its operator needs is in the cause.
  const told = error instanceof GatewayError && error.cause instanceof Error ? error.cause : error
  return told instanceof Error ? told.message : String(told)
}
