import { setTimeout as delay } from 'node:timers/promises'
import type { ChatCompletionContentPart } from 'openai/resources'
import type { SeededRandom } from '../support/seeded-random.ts'
import type { SoakDocuments } from './documents.ts'

/** One request that a client of the soak makes. */
export interface SoakRequest {
  /** What it is about, for the table. */
  readonly kind: string
  readonly path: string
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  /** The client leaves after so many milliseconds. */
  readonly leavesAfterMs: number | null
}

/** How it ended. */
export interface SoakOutcome {
  readonly kind: string
  readonly route: string
  /** As the gateway is to count it; null: the client has left, and cannot know. */
  readonly status: number | null
  /** Of a whole answer, by their status. */
  readonly pages: readonly string[]
  /** What must not be: a connection that broke, a 500, an answer that is none. */
  readonly problem: string | null
}

/** The keys that clients have, as GATEWAY_API_KEYS holds them. */
export const KEYS = ['alpha', 'beta', 'gamma'].map((name) => `${name}:secret-of-${name}`)

const CHAT = '/v1/chat/completions'
const MODEL = 'lightonai/LightOnOCR-2-1B'

type Make = (random: SeededRandom, documents: SoakDocuments) => Partial<SoakRequest> & { readonly ask?: Ask }

/** A chat about documents. */
interface Ask {
  readonly parts: readonly ChatCompletionContentPart[]
  readonly ocr?: object
}

/** What clients do, and how often in a hundred. */
const kinds: readonly (readonly [string, number, Make])[] = [
  ['strips', 22, (random, documents) => ({ ask: { parts: [documents.strips(random, random.integer(1, 8))] } })],
  ['many pages', 3, (random, documents) => ({ ask: { parts: [documents.strips(random, random.integer(30, 120))] } })],
  ['text', 8, (random, documents) => ({ ask: { parts: [documents.text(random)] } })],
  ['scan', 6, (random, documents) => ({ ask: { parts: [documents.scan(random)] } })],
  ['image', 8, (random, documents) => ({ ask: { parts: [documents.image(random)] } })],
  ['two documents', 3, (random, documents) => ({ ask: { parts: [documents.image(random), documents.strips(random, 2)] } })], // prettier-ignore
  ['damaged', 10, (random, documents) => ({ ask: { parts: [documents.damaged(random)] } })],
  ['known', 8, (random, documents) => ({ ask: { parts: [documents.known(random)] } })],
  ['refreshed', 3, (random, documents) => ({ ask: { parts: [documents.known(random)], ocr: { cache: random.pick(['refresh', 'off']) } } })], // prettier-ignore
  ['dry run', 3, (random, documents) => ({ ask: { parts: [documents.strips(random, 6)], ocr: { dry_run: true } } })],
  ['prepared', 2, (random, documents) => ({ ask: { parts: [documents.scan(random)], ocr: { prepare: { rotate: true, deskew: true } } } })], // prettier-ignore
  ['hasty', 4, (random, documents) => ({ ask: { parts: [documents.strips(random, 40)], ocr: { on_deadline: 'partial' } }, headers: { 'x-stainless-timeout': `${random.integer(1, 4)}` } })], // prettier-ignore
  ['leaving', 6, (random, documents) => ({ ask: { parts: [documents.strips(random, random.integer(5, 40))] }, leavesAfterMs: random.integer(20, 2500) })], // prettier-ignore
  ['passed on', 5, (random) => ({ body: chatOf({ messages: [{ role: 'user', content: 'What o’clock is it?' }], stream: random.chance(0.5) }) })], // prettier-ignore
  ['wrong body', 3, (random) => ({ body: random.pick(['', '{', '[]', '{"model":7}', `{"model":"${MODEL}"}`, chatOf({ messages: [{ role: 'user', content: [{ type: 'file', file: { file_data: '@@@' } }] }] })]) })], // prettier-ignore
  ['wrong option', 2, (random, documents) => ({ ask: { parts: [documents.known(random)], ocr: random.pick([{ nope: 1 }, { pages: '99' }, { task: 'nope' }]) } })], // prettier-ignore
  ['wrong key', 1, () => ({ headers: { authorization: 'Bearer nobody' }, body: chatOf({ messages: [] }) })],
  ['wrong model', 1, () => ({ body: JSON.stringify({ model: 'nope', messages: [{ role: 'user', content: 'Hi' }] }) })],
  ['models', 2, () => ({ path: '/v1/models', method: 'GET' })],
]

const deck = kinds.flatMap(([kind, share, make]) => Array.from({ length: share }, () => ({ kind, make })))

function chatOf(fields: object): string {
  return JSON.stringify({ model: MODEL, ...fields })
}

/** Makes the next request. */
export function makeRequest(random: SeededRandom, documents: SoakDocuments): SoakRequest {
  const { kind, make } = random.pick(deck)
  const { ask, ...request } = make(random, documents)
  const key = random.pick(KEYS).split(':')[1]
  const stream = random.chance(0.5)
  // What has no hurry stands behind what has.
  const lane = random.chance(0.3) ? { service_tier: 'flex' } : {}
  const messages = [{ role: 'user', content: ask?.parts }]
  const body = ask && chatOf({ messages, stream, ...lane, ...(ask.ocr === undefined ? {} : { ocr: ask.ocr }) })
  return {
    kind,
    path: CHAT,
    method: 'POST',
    body: body ?? null,
    leavesAfterMs: null,
    ...request,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...request.headers },
  }
}

/** Statuses that a gateway in front of failing servers may answer with. */
const HONEST = new Set([200, 400, 401, 404, 413, 415, 429, 499, 502, 503, 504])

/** Makes a request and reads its answer to the end. Never throws. */
export async function sendRequest(url: string, request: SoakRequest): Promise<SoakOutcome> {
  const { kind, path, method, headers, body, leavesAfterMs } = request
  const leave = new AbortController()
  const outcome = { kind, route: path, pages: [], problem: null }
  if (leavesAfterMs !== null) void delay(leavesAfterMs, undefined, { signal: leave.signal }).then(() => leave.abort(), () => {}) // prettier-ignore
  try {
    const response = await fetch(url + path, { method, headers, body, signal: leave.signal })
    const text = await response.text()
    const { status } = response
    // What is passed on fails as its server does.
    const isHonest = HONEST.has(status) || (status === 500 && kind === 'passed on')
    const problem = isHonest ? null : `${kind}: ${status} ${text.slice(0, 300)}`
    return { ...outcome, status, pages: status === 200 ? pagesIn(text) : [], problem }
  } catch (error) {
    const hasLeft = leave.signal.aborted
    return { ...outcome, status: null, problem: hasLeft ? null : `${kind}: ${describe(error)}` }
  } finally {
    leave.abort()
  }
}

function describe(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : { message: String(error), cause: undefined }
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}

/** Returns the statuses of the pages in a ledger, which is the end of a stream or part of a whole answer. */
function pagesIn(text: string): readonly string[] {
  const pieces = text.startsWith('data:') ? text.split('\n').map((line) => line.slice('data: '.length)) : [text]
  const ledgers = pieces.filter((piece) => piece.includes('"pages":[')).map((piece) => ledgerOf(piece))
  return ledgers.at(-1)?.map(({ status }) => status) ?? []
}

function ledgerOf(piece: string): readonly { readonly status: string }[] {
  try {
    const { ocr } = JSON.parse(piece) as { ocr?: { pages?: readonly { status: string }[] } }
    return ocr?.pages ?? []
  } catch {
    return []
  }
}
