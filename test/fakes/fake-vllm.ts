import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { describePage } from './fake-vllm-answer.ts'
import type { Answer, ChatBody, FakeRequest, ScriptedAnswer } from './fake-vllm-answer.ts'
import { badRequest, FakeHttpError, frameworkError, httpError, invalidBody, scalingError } from './fake-vllm-errors.ts'
import { createFakeEngine, createGate } from './fake-vllm-gates.ts'
import type { FakeEngine, Gate } from './fake-vllm-gates.ts'
import { instantAnswer } from './fake-vllm-instant.ts'
import { fakeModel, layoutProblems, modelCard } from './fake-vllm-models.ts'
import type { FakeModel } from './fake-vllm-models.ts'
import { createService, type Service, type ServiceOptions } from './fake-vllm-service.ts'
import { checkLimits, checkParameters, readPrompt } from './fake-vllm-prompt.ts'
import type { ReadPrompt } from './fake-vllm-prompt.ts'
import { writeChatAnswer, writeCompletion } from './fake-vllm-writer.ts'

/** How a fake vLLM is started. */
export interface FakeVllmOptions {
  /** Defaults to LightOnOCR-2. */
  readonly models?: readonly Parameters<typeof fakeModel>[0][]
  /** 0, the default, picks a free one. */
  readonly port?: number
  /** Demanded as a bearer key for everything under `/v1`, and nothing else. */
  readonly apiKey?: string
  /** Answers in place of the text derived from the page image, where it does. May wait; may be replaced with `setAnswer`. */
  readonly answer?: (request: FakeRequest) => Answer | undefined | Promise<Answer | undefined>
  /** For benchmarks: no image is decoded, nothing is recorded but counts, and every answer is the same bytes. */
  readonly instant?: boolean
  /** For benchmarks, as `instant`, but at a fixed rate. */
  readonly service?: ServiceOptions
  /** What `GET /version` says. */
  readonly version?: string
  /** `VLLM_SERVER_DEV_MODE`: without it `/sleep`, `/wake_up` and `/is_sleeping` are unknown paths. */
  readonly devMode?: boolean
  /** `false`, for runs of many minutes: what has ended is not recorded any more. */
  readonly keepsRequests?: boolean
}

/** A running fake vLLM. */
export interface FakeVllm extends AsyncDisposable {
  /** `http://127.0.0.1:PORT/v1` */
  readonly url: string
  readonly port: number
  /** Every generation that was asked for, in order of arrival; empty when `instant`. */
  readonly requests: readonly FakeRequest[]
  /** How often each path was called: `GET /v1/models`. */
  readonly calls: ReadonlyMap<string, number>
  /** What the model would not have understood; a good test ends with none. */
  readonly layoutProblems: readonly string[]
  /** The most generations that ran at one time. */
  readonly peakRunning: number
  setModels(models: NonNullable<FakeVllmOptions['models']>): void
  setAnswer(answer: NonNullable<FakeVllmOptions['answer']>): void
  /** `false`: `/health` says 503, as when the engine behind the server is dead. */
  setHealthy(healthy: boolean): void
  /** What `/metrics` says of the KV cache: 0 to 1. */
  setKvCacheUsage(usage: number): void
  /** `true`: connections are accepted and nothing is answered on any path, and streams fall silent, until `false`. */
  setHanging(hanging: boolean): void
  /** `true`: a 503 whose body is a string on every path (vllm/entrypoints/serve/elastic_ep/middleware.py). */
  setScaling(scaling: boolean): void
  /** What runs ends with `abort`, what comes waits for `wake`; `/health` and `/v1/models` answer as ever. */
  sleep(): void
  wake(): void
  /** Lets what runs finish, then stops. */
  close(): Promise<void>
  /** Breaks every socket and stops, as a killed process does. */
  kill(): Promise<void>
}

/** `VLLM_HTTP_TIMEOUT_KEEP_ALIVE`, in milliseconds: https://docs.vllm.ai/en/latest/configuration/env_vars.html */
const KEEP_ALIVE = 5000

/** The release that compose runs. */
const VERSION = '0.32.0'

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] }

interface State {
  models: readonly FakeModel[]
  answer: FakeVllmOptions['answer']
  healthy: boolean
  scaling: boolean
  kvCacheUsage: number
  readonly server: Gate
  readonly engine: FakeEngine
  running: number
  peakRunning: number
  readonly service: Service | null
  readonly requests: Mutable<FakeRequest>[]
  readonly calls: Map<string, number>
  readonly layoutProblems: string[]
  readonly connections: WeakMap<Socket, number>
  connectionCount: number
}

/** Starts a real HTTP server that speaks as vLLM's OpenAI-compatible server does, errors and habits included. */
export async function startFakeVllm(options: FakeVllmOptions = {}): Promise<FakeVllm> {
  const state: State = {
    models: (options.models ?? ['lightonai/LightOnOCR-2-1B']).map(fakeModel),
    answer: options.answer,
    healthy: true,
    scaling: false,
    kvCacheUsage: 0,
    server: createGate(),
    engine: createFakeEngine(),
    running: 0,
    peakRunning: 0,
    service: options.service === undefined ? null : createService(options.service),
    requests: [],
    calls: new Map(),
    layoutProblems: [],
    connections: new WeakMap(),
    connectionCount: 0,
  }
  const server = createServer((request, response) => {
    // Uvicorn gives no `Keep-Alive` hint: a client must know by itself when to let a connection go.
    response.setHeader('connection', 'keep-alive')
    route(state, options, request, response).catch((error: unknown) => writeError(response, error))
  })
  server.keepAliveTimeout = KEEP_ALIVE
  server.keepAliveTimeoutBuffer = 0
  server.on('connection', (socket) => state.connections.set(socket, state.connectionCount++))
  const listening = Promise.withResolvers<void>()
  server.once('error', listening.reject).listen(options.port ?? 0, '127.0.0.1', listening.resolve)
  await listening.promise
  const { port } = server.address() as AddressInfo

  const stop = async (breakSockets: boolean) => {
    const stopped = new Promise<void>((resolve) => server.close(() => resolve()))
    if (breakSockets) server.closeAllConnections()
    else server.closeIdleConnections()
    await stopped
  }
  return {
    url: `http://127.0.0.1:${port}/v1`,
    port,
    requests: state.requests,
    calls: state.calls,
    layoutProblems: state.layoutProblems,
    get peakRunning() {
      return state.peakRunning
    },
    setModels: (models) => (state.models = models.map(fakeModel)),
    setAnswer: (answer) => (state.answer = answer),
    setHealthy: (healthy) => (state.healthy = healthy),
    setKvCacheUsage: (usage) => void (state.kvCacheUsage = usage),
    setHanging: (hanging) => (hanging ? state.server.shut() : state.server.open()),
    setScaling: (scaling) => (state.scaling = scaling),
    sleep: () => state.engine.sleep(),
    wake: () => state.engine.wake(),
    close: () => stop(false),
    kill: () => stop(true),
    [Symbol.asyncDispose]: () => stop(true),
  }
}

async function route(state: State, options: FakeVllmOptions, request: IncomingMessage, response: ServerResponse) {
  const path = (request.url ?? '/').split('?')[0] ?? '/'
  const call = `${request.method} ${path}`
  state.calls.set(call, (state.calls.get(call) ?? 0) + 1)
  const isGeneration = call === 'POST /v1/chat/completions' || call === 'POST /v1/completions'
  const record =
    isGeneration && options.instant !== true ? recordGeneration(state, options, path, request, response) : null
  if (!state.server.isOpen) await state.server.pass(record?.signal ?? whenClosed(response))
  if (state.scaling) throw scalingError()
  if (
    path.startsWith('/v1') &&
    options.apiKey !== undefined &&
    request.headers.authorization !== `Bearer ${options.apiKey}`
  ) {
    // Its authentication answers before its error handling does, hence the bare string.
    throw new FakeHttpError(401, 'Unauthorized', { error: 'Unauthorized' })
  }
  switch (call) {
    case 'GET /v1/models':
      return writeJson(response, 200, { object: 'list', data: state.models.map(modelCard) })
    case 'GET /health':
      return response.writeHead(state.healthy ? 200 : 503).end()
    case 'GET /version':
      return writeJson(response, 200, { version: options.version ?? VERSION })
    case 'GET /metrics':
      return response.writeHead(200, { 'content-type': 'text/plain; version=1.0.0; charset=utf-8' }).end(metrics(state))
    case 'POST /v1/chat/completions':
    case 'POST /v1/completions':
      if (state.service !== null) return state.service.answer(request, response, state.models[0]?.id ?? '')
      if (record === null) return instantAnswer(request, response, state.models[0]?.id ?? '')
      return generate(state, options, record, request, response)
    default:
      if (options.devMode === true && routeSleep(state.engine, call, request, response)) return
      throw PATHS.includes(path) ? frameworkError(405, 'Method Not Allowed') : frameworkError(404, 'Not Found')
  }
}

const PATHS = ['/v1/models', '/health', '/version', '/metrics', '/v1/chat/completions', '/v1/completions']

/** Of dev mode alone: vllm/entrypoints/serve/dev/sleep/api_router.py. */
function routeSleep(engine: FakeEngine, call: string, request: IncomingMessage, response: ServerResponse): boolean {
  if (call === 'GET /is_sleeping') {
    writeJson(response, 200, { is_sleeping: engine.isSleeping })
    return true
  }
  if (call !== 'POST /sleep' && call !== 'POST /wake_up') return false
  const { searchParams } = new URL(request.url ?? '/', 'http://fake')
  if (call === 'POST /sleep') {
    engine.sleep()
    writeJson(response, 200, { status: 'sleeping', level: Number(searchParams.get('level') ?? 1) })
  } else {
    engine.wake()
    writeJson(response, 200, { status: 'awake', tags: null })
  }
  return true
}

function whenClosed(response: ServerResponse): AbortSignal {
  const closed = new AbortController()
  response.once('close', () => closed.abort())
  return closed.signal
}

function recordGeneration(
  state: State,
  { keepsRequests = true }: FakeVllmOptions,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Mutable<FakeRequest> {
  const left = new AbortController()
  const record: Mutable<FakeRequest> = {
    path,
    headers: request.headers,
    body: null,
    image: null,
    startedAt: performance.now(),
    endedAt: null,
    finished: false,
    aborted: false,
    connection: state.connections.get(request.socket) ?? -1,
    signal: left.signal,
  }
  state.requests.push(record)
  state.running += 1
  state.peakRunning = Math.max(state.peakRunning, state.running)
  response.once('close', () => {
    state.running -= 1
    record.endedAt = performance.now()
    record.finished = response.writableFinished
    record.aborted = !response.writableFinished
    if (!keepsRequests) state.requests.splice(state.requests.indexOf(record), 1)
    left.abort()
  })
  return record
}

async function generate(
  state: State,
  options: FakeVllmOptions,
  record: Mutable<FakeRequest>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  record.body = await readBody(request)
  const { version = VERSION } = options
  const model = findModel(state, record.body)
  if (record.path === '/v1/completions') return writeCompletion(response, record.body, model, { version })
  checkParameters(record.body)
  const prompt = await readPrompt(record.body, model)
  record.image = prompt.image
  checkLimits(record.body, prompt, model)
  const answer = await chooseAnswer(state, record, prompt, model)
  await writeChatAnswer(response, answer, {
    body: record.body,
    promptTokens: prompt.tokens,
    model,
    requestId: request.headers['x-request-id']?.toString() ?? null,
    version,
    signal: record.signal,
    server: state.server,
    engine: state.engine,
  })
}

async function chooseAnswer(
  state: State,
  record: FakeRequest,
  prompt: ReadPrompt,
  model: FakeModel,
): Promise<ScriptedAnswer> {
  const problems = prompt.image === null ? [] : layoutProblems(model.layout, prompt.messages)
  state.layoutProblems.push(...problems)
  if (problems.length > 0) return { text: 'The image appears to be a document. How can I help you with it?' }
  const answer = await state.answer?.(record)
  if (answer !== undefined) return typeof answer === 'string' ? { text: answer } : answer
  return { text: prompt.image === null ? `You said: ${prompt.text}` : describePage(prompt.image) }
}

function findModel(state: State, body: ChatBody): FakeModel {
  const model = state.models.find(({ id }) => id === (body.model ?? state.models[0]?.id))
  if (model !== undefined) return model
  const aliases = state.models.map(({ id }) => id).join(', ')
  const message = `The model \`${body.model}\` does not exist. Valid aliases: ${aliases}.`
  throw httpError(404, 'NotFoundError', message, 'model')
}

async function readBody(request: IncomingMessage): Promise<ChatBody> {
  const reads: Buffer[] = []
  for await (const read of request as AsyncIterable<Buffer>) reads.push(read)
  const text = Buffer.concat(reads).toString()
  // Nothing else will do, and nothing at all neither.
  if (!/^application\/json *(?:;|$)/i.test(request.headers['content-type'] ?? ''))
    throw invalidBody("Unsupported Media Type: Only 'application/json' is allowed")
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null) return body as ChatBody
  } catch (error) {
    const place = `body.${/position (\d+)/.exec(String(error))?.[1] ?? text.length}`
    throw invalidBody(
      `{'type': 'json_invalid', 'loc': '${place}', 'msg': 'JSON decode error', 'input': '<dict of 0 items>', 'ctx': ` +
        "{'error': 'Expecting property name enclosed in double quotes'}}",
      place,
    )
  }
  throw badRequest('The body must be a JSON object.')
}

function writeJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function writeError(response: ServerResponse, error: unknown): void {
  // A client that left takes nothing any more, and what its leaving broke is no failure of the fake.
  if (response.destroyed) return
  const { status, body } =
    error instanceof FakeHttpError ? error : httpError(500, 'InternalServerError', String(error), null)
  if (response.headersSent) response.destroy()
  else writeJson(response, status, body)
}

function metrics(state: State): string {
  const labels = `{engine="0",model_name="${state.models[0]?.id ?? ''}"}`
  const finished = state.requests.filter((request) => request.finished).length
  return [
    '# TYPE vllm:num_requests_running gauge',
    `vllm:num_requests_running${labels} ${state.service?.running() ?? state.running}`,
    '# TYPE vllm:num_requests_waiting gauge',
    `vllm:num_requests_waiting${labels} ${state.service?.waiting() ?? 0}`,
    '# TYPE vllm:kv_cache_usage_perc gauge',
    `vllm:kv_cache_usage_perc${labels} ${state.kvCacheUsage}`,
    '# TYPE vllm:num_preemptions_total counter',
    `vllm:num_preemptions_total${labels} 0`,
    '# TYPE vllm:request_success_total counter',
    `vllm:request_success_total${labels.replace(',', ',finished_reason="stop",')} ${finished}`,
    '',
  ].join('\n')
}
