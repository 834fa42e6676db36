import { setTimeout as delay } from 'node:timers/promises'
import type { ChatCompletionContentPart } from 'openai/resources'
import type { SeededRandom } from '../support/seeded-random.ts'
import { hasty, leaver, patientCallers, wrongTokens, type SoakCaller } from './callers.ts'
import type { SoakDocuments } from './documents.ts'
import { errorProblem } from './honest.ts'

/** One request that a client of the soak makes. */
export interface SoakRequest {
  /** What it is about, for the table. */
  readonly kind: string
  readonly path: string
  readonly method: 'GET' | 'POST'
  readonly caller: SoakCaller
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  /** The client leaves after so many milliseconds. */
  readonly leavesAfterMs: number | null
}

/** How it ended. */
export interface SoakOutcome {
  readonly kind: string
  readonly route: string
  readonly caller: SoakCaller
  /** As the answer names the request; null: there was none. */
  readonly id: string | null
  /** As the gateway is to count it; null: the client has left, and cannot know. */
  readonly status: number | null
  /** Of a whole answer, by their status; null: it has no ledger. */
  readonly pages: readonly string[] | null
  /** What must not be: a connection that broke, a 500, an answer that is none. */
  readonly problem: string | null
}

const CHAT = '/v1/chat/completions'
export const MODEL = 'lightonai/LightOnOCR-2-1B'
/** What marks the pictures on its pages. */
export const PICTURE_MODEL = 'lightonai/LightOnOCR-2-1B-bbox'

type Make = (random: SeededRandom, documents: SoakDocuments) => Partial<SoakRequest> & { readonly ask?: Ask }

/** A chat about documents. */
interface Ask {
  readonly parts: readonly ChatCompletionContentPart[]
  readonly ocr?: object
  readonly model?: string
}

/** What clients do, and how often in a hundred. */
const kinds: readonly (readonly [string, number, Make])[] = [
  ['strips', 18, (random, documents) => ({ ask: { parts: [documents.strips(random, random.integer(1, 8))] } })],
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
  ['figures', 4, (random, documents) => ({ ask: { model: PICTURE_MODEL, parts: [random.pick([documents.scan(random), documents.image(random), documents.text(random)])], ocr: { figures: random.pick(['reference', 'embed', 'drop']) } } })], // prettier-ignore
  ['hasty', 4, (random, documents) => ({ caller: hasty, ask: { parts: [documents.strips(random, 40)], ocr: { on_deadline: 'partial' } }, headers: { 'x-stainless-timeout': `${random.integer(1, 4)}` } })], // prettier-ignore
  ['leaving', 6, (random, documents) => ({ caller: leaver, ask: { parts: [documents.strips(random, random.integer(5, 40))] }, leavesAfterMs: random.integer(20, 2500) })], // prettier-ignore
  ['passed on', 5, (random) => ({ body: chatOf({ messages: [{ role: 'user', content: 'What o’clock is it?' }], stream: random.chance(0.5) }) })], // prettier-ignore
  ['wrong body', 3, (random) => ({ body: random.pick(['', '{', '[]', '{"model":7}', `{"model":"${MODEL}"}`, chatOf({ messages: [{ role: 'user', content: [{ type: 'file', file: { file_data: '@@@' } }] }] })]) })], // prettier-ignore
  ['wrong option', 2, (random, documents) => ({ ask: { parts: [documents.known(random)], ocr: random.pick([{ nope: 1 }, { pages: '99' }, { task: 'nope' }]) } })], // prettier-ignore
  ['wrong key', 2, (random) => ({ caller: { name: '', label: '', credential: random.pick(wrongTokens) }, body: chatOf({ messages: [] }) })], // prettier-ignore
  ['wrong model', 1, () => ({ body: JSON.stringify({ model: 'nope', messages: [{ role: 'user', content: 'Hi' }] }) })],
  ['models', 2, () => ({ path: '/v1/models', method: 'GET' })],
]

const deck = kinds.flatMap(([kind, share, make]) => Array.from({ length: share }, () => ({ kind, make })))

function chatOf(fields: object): string {
  return JSON.stringify({ model: MODEL, ...fields })
}

/** Some clients trace what they ask, and some of these have their traces recorded. */
function traceOf(random: SeededRandom): Record<string, string> {
  if (random.chance(0.6)) return {}
  const digits = (count: number) => Array.from({ length: count }, () => random.integer(0, 15).toString(16)).join('')
  return { traceparent: `00-1${digits(31)}-1${digits(15)}-0${random.integer(0, 1)}` }
}

/** Makes the next request. */
export function makeRequest(random: SeededRandom, documents: SoakDocuments): SoakRequest {
  const { kind, make } = random.pick(deck)
  const { ask, ...request } = make(random, documents)
  const stream = random.chance(0.5)
  // What has no hurry stands behind what has.
  const lane = random.chance(0.3) ? { service_tier: 'flex' } : {}
  const messages = [{ role: 'user', content: ask?.parts }]
  const body =
    ask &&
    chatOf({ model: ask.model ?? MODEL, messages, stream, ...lane, ...(ask.ocr === undefined ? {} : { ocr: ask.ocr }) })
  return {
    kind,
    path: CHAT,
    method: 'POST',
    caller: random.pick(patientCallers),
    body: body ?? null,
    leavesAfterMs: null,
    ...request,
    headers: { 'content-type': 'application/json', ...traceOf(random), ...request.headers },
  }
}

/** Makes a request and reads its answer to the end. Never throws. */
export async function sendRequest(url: string, request: SoakRequest): Promise<SoakOutcome> {
  const { kind, path, method, caller, body, leavesAfterMs } = request
  const leave = new AbortController()
  const outcome = { kind, route: path, caller, id: null, pages: null, problem: null }
  const headers = { ...request.headers, ...(await credentialHeader(caller, kind)) }
  if (leavesAfterMs !== null) void delay(leavesAfterMs, undefined, { signal: leave.signal }).then(() => leave.abort(), () => {}) // prettier-ignore
  try {
    const response = await fetch(url + path, { method, headers, body, signal: leave.signal })
    const text = await response.text()
    const { status } = response
    const id = response.headers.get('x-request-id')
    const problem = errorProblem(response, text, kind)
    return { ...outcome, status, id, pages: status === 200 ? pagesIn(text) : null, problem }
  } catch (error) {
    const hasLeft = leave.signal.aborted
    return { ...outcome, status: null, problem: hasLeft ? null : `${kind}: ${describe(error)}` }
  } finally {
    leave.abort()
  }
}

/** In one of the three ways. */
async function credentialHeader(caller: SoakCaller, kind: string): Promise<Record<string, string>> {
  const credential = await caller.credential()
  if (kind === 'image') return { 'api-key': credential }
  return kind === 'scan' ? { 'x-api-key': credential } : { authorization: `Bearer ${credential}` }
}

function describe(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : { message: String(error), cause: undefined }
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}

/** Returns the statuses of the pages in a ledger, which is the end of a stream or part of a whole answer; null: there is none. */
function pagesIn(text: string): readonly string[] | null {
  const pieces = text.startsWith('data:') ? text.split('\n').map((line) => line.slice('data: '.length)) : [text]
  const ledgers = pieces.filter((piece) => piece.includes('"pages":[')).map((piece) => ledgerOf(piece))
  return ledgers.at(-1)?.map(({ status }) => status) ?? null
}

function ledgerOf(piece: string): readonly { readonly status: string }[] | null {
  try {
    const { ocr } = JSON.parse(piece) as { ocr?: { pages?: readonly { status: string }[] } }
    return ocr?.pages ?? null
  } catch {
    return null
  }
}
