import { versionBody, sleepBody } from '../wire/vllm.ts'
import type { ServedModel } from '../profile/model-profile.ts'
import { startTimeLimit } from '../schedule/time-limit.ts'
import { readServedModels } from './served-models.ts'
import type { ChooseProfile } from './served-models.ts'
import { readShortBody } from './short-body.ts'
import type { UpstreamConnection } from './connection.ts'

/** What a server says of itself. */
export interface Discovery {
  readonly models: readonly ServedModel[]
  /** Why it should not be asked; null when it is well. */
  readonly problem: string | null
  /** Whether it can be put to sleep. */
  readonly canSleep: boolean
  /** vLLM's; null when it is another server, or does not say. */
  readonly version: string | null
}

/** `/models` and `/health` are answered from memory: a server that takes longer hangs, or is busy. In milliseconds. */
const DISCOVERY_TIMEOUT = 5000

/** Of one that is asked while a client waits. In milliseconds. */
const SLEEP_TIMEOUT = 1000

/** Of a model a server says a few hundred bytes, and gateways to many servers up to two thousand. */
const MAX_MODELS_BYTES = 8 * 1024 * 1024

/** A version, or yes or no. */
const MAX_WORD_BYTES = 64 * 1024

/** What a server is called that sleeps. */
export const ASLEEP = 'it sleeps'

/** The server took too long: it hangs, or it has much to do. */
export class SilentServer extends Error {
  /** It answered another question. */
  readonly isAlive: boolean

  constructor(isAlive: boolean) {
    super('it did not say what it serves in time')
    this.isAlive = isAlive
  }
}

/** Asks a server what it serves and how it is. Throws what went wrong, and SilentServer when it did not say in time. */
export async function discover(
  connection: UpstreamConnection,
  chooseProfile: ChooseProfile,
  signal: AbortSignal,
): Promise<Discovery> {
  let isAlive = false
  using limit = startTimeLimit(DISCOVERY_TIMEOUT, () => new SilentServer(isAlive), signal)
  const answered = async <Answer>(question: Promise<Answer>): Promise<Answer> => {
    const answer = await question
    isAlive = true
    return answer
  }
  const [unwell, isAsleep, version] = await Promise.all([
    answered(askHealth(connection, limit.signal)),
    answered(askSleep(connection, limit.signal)),
    answered(askVersion(connection, limit.signal)),
  ])
  const models = await askModels(connection, chooseProfile, limit.signal)
  const problem = unwell ?? (isAsleep === true ? ASLEEP : models.length === 0 ? 'it serves no model' : null)
  return { models, problem, version, canSleep: isAsleep !== null }
}

/** Asks a server whether it sleeps now; false when it does not say so within a second. Throws the signal's reason. */
export async function sleepsNow(connection: UpstreamConnection, signal: AbortSignal): Promise<boolean> {
  using limit = startTimeLimit(SLEEP_TIMEOUT, () => new SilentServer(false), signal)
  const isAsleep = await askSleep(connection, limit.signal).catch(() => null)
  signal.throwIfAborted()
  return isAsleep === true
}

async function askModels(
  connection: UpstreamConnection,
  chooseProfile: ChooseProfile,
  signal: AbortSignal,
): Promise<readonly ServedModel[]> {
  const response = await connection.send({ method: 'GET', path: '/models' }, signal)
  const { status } = response
  const { text, problem } = await readShortBody(response, MAX_MODELS_BYTES)
  signal.throwIfAborted()
  if (status === 401 || status === 403) {
    throw new Error(`it refused the gateway's key (${status}): set GATEWAY_UPSTREAM_API_KEY`)
  }
  if (status !== 200) throw new Error(`it answered ${status} to GET /models`)
  if (problem !== null) throw problem
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

/**
 * A vLLM that sleeps is healthy, aborts what runs and lets what comes hang. It can be put to sleep only where it also says
 * so: both are for development servers (https://docs.vllm.ai/en/latest/features/sleep_mode.html). Null: it cannot sleep.
 */
async function askSleep(connection: UpstreamConnection, signal: AbortSignal): Promise<boolean | null> {
  const said = sleepBody.safeParse(await askJson(connection, '/../is_sleeping', signal))
  return said.success ? said.data.is_sleeping : null
}

async function askVersion(connection: UpstreamConnection, signal: AbortSignal): Promise<string | null> {
  const said = versionBody.safeParse(await askJson(connection, '/../version', signal))
  return said.success ? said.data.version : null
}

async function askJson(connection: UpstreamConnection, path: string, signal: AbortSignal): Promise<unknown> {
  const response = await connection.send({ method: 'GET', path }, signal)
  const { text, problem } = await readShortBody(response, MAX_WORD_BYTES)
  signal.throwIfAborted()
  return response.status === 200 && problem === null ? parseJson(text) : null
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
