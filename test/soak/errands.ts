import { setTimeout as delay } from 'node:timers/promises'
import OpenAI, { APIError, toFile } from 'openai'
import type { Response as KeptResponse, ResponseInput } from 'openai/resources/responses/responses'
import type { SeededRandom } from '../support/seeded-random.ts'
import { later, night, type SoakCaller } from './callers.ts'
import type { SoakDocuments } from './documents.ts'
import { countOne, routeOf, type Counts } from './gateway.ts'
import { MODEL } from './requests.ts'

/** What those who come back for their answers have seen. */
export interface ErrandSeen {
  readonly requests: Counts
  readonly kinds: Counts
  readonly problems: string[]
  /** Pages, by caller and status. */
  readonly pages: Counts
}

/** Those who make batches, and those who have things read in the background. */
interface ErrandParts {
  /** Any of them may be asked about what another was told. */
  readonly urls: readonly string[]
  readonly random: SeededRandom
  readonly documents: SoakDocuments
  readonly seen: ErrandSeen
  readonly until: number
}

const WAIT_MS = 180_000
type Page = { readonly status: string }

/** Returns clients, one of each gateway, whose every request is counted. */
function clientsOf(caller: SoakCaller, { urls, seen }: ErrandParts): readonly OpenAI[] {
  const counting: typeof fetch = async (input, init) => {
    const response = await fetch(input, init)
    const { protocol, pathname } = new URL(input instanceof Request ? input.url : String(input))
    // The client tries out what its runtime can do with a `data:` address.
    if (protocol === 'http:') countOne(seen.requests, `${routeOf(pathname)} ${response.status}`)
    return response
  }
  // Redis stands still now and then: official clients ask again.
  const options = { fetch: counting, maxRetries: 6, apiKey: () => caller.credential() }
  return urls.map((url) => new OpenAI({ baseURL: `${url}/v1`, ...options }))
}

/** Makes one batch after the other, reads what has come of each, and removes all files. */
export async function makeBatches(parts: ErrandParts): Promise<void> {
  const clients = clientsOf(night, parts)
  while (performance.now() < parts.until) await attempt('batch', parts, () => runBatch(clients, parts))
  const [client] = clients
  for await (const { id } of client?.files.list() ?? []) await client?.files.delete(id)
}

async function runBatch(clients: readonly OpenAI[], { random, documents, seen }: ErrandParts): Promise<void> {
  const any = (): OpenAI => random.pick(clients)
  const ids = Array.from({ length: random.integer(2, 12) }, (_, index) => `line-${index}`)
  const lines = ids.map((id) => {
    const part = random.pick([documents.strips(random, random.integer(1, 6)), documents.known(random), documents.damaged(random)]) // prettier-ignore
    const ocr = random.chance(0.1) ? { nope: 1 } : {}
    const body = { model: MODEL, messages: [{ role: 'user', content: [part] }], ocr }
    return JSON.stringify({ custom_id: id, method: 'POST', url: '/v1/chat/completions', body })
  })
  const file = await toFile(Buffer.from(lines.join('\n')), 'in.jsonl')
  const input = await any().files.create({ file, purpose: 'batch' })
  const asked = { input_file_id: input.id, endpoint: '/v1/chat/completions', completion_window: '24h' } as const
  let batch = await any().batches.create(asked)
  if (random.chance(0.1)) await delay(300).then(() => cancelUnlessEnded(any(), batch.id))
  const waitsUntil = performance.now() + WAIT_MS
  while (!['completed', 'failed', 'expired', 'cancelled'].includes(batch.status)) {
    if (performance.now() > waitsUntil) throw new Error(`${batch.id} is ${batch.status} after ${WAIT_MS} ms`)
    await delay(500)
    batch = await any().batches.retrieve(batch.id)
  }
  const files = [batch.output_file_id, batch.error_file_id].filter((id) => typeof id === 'string')
  const texts = await Promise.all(files.map(async (id) => (await any().files.content(id)).text()))
  const answered = texts.flatMap((text) => text.trim().split('\n')).map((line) => JSON.parse(line) as AnsweredLine)
  const found = answered.map((line) => line.custom_id).toSorted()
  if (found.join() !== ids.toSorted().join() && batch.status !== 'failed') seen.problems.push(`${batch.id} (${batch.status}): asked ${ids.join()}, answered ${found.join()}`) // prettier-ignore
  for (const line of answered) {
    const status = line.response?.status_code
    const isHonest = status === undefined || status < 500 || [502, 503, 504].includes(status)
    if (!isHonest) seen.problems.push(`${batch.id}: ${JSON.stringify(line).slice(0, 300)}`)
    for (const page of line.response?.body.ocr?.pages ?? []) countOne(seen.pages, `${night.label} ${page.status}`)
  }
  for (const id of [input.id, ...files]) await any().files.delete(id)
}

/** A batch may end before it is cancelled: then it stays as it is. */
async function cancelUnlessEnded(client: OpenAI, id: string): Promise<void> {
  await client.batches.cancel(id).catch((error: unknown) => {
    const hasEnded = error instanceof APIError && error.status === 400 && error.message.includes('it has ended')
    if (!hasEnded) throw error
  })
}

interface AnsweredLine {
  readonly custom_id: string
  readonly response: { readonly status_code: number; readonly body: { readonly ocr?: { pages?: Page[] } } } | null
}

/** Has one document after the other read in the background, by whichever gateway. */
export async function readLater(parts: ErrandParts): Promise<void> {
  const clients = clientsOf(later, parts)
  while (performance.now() < parts.until) await attempt('background', parts, () => readOne(clients, parts))
}

async function readOne(clients: readonly OpenAI[], { random, documents, seen }: ErrandParts): Promise<void> {
  const any = (): OpenAI => random.pick(clients)
  const part = random.chance(0.2) ? documents.damaged(random) : documents.strips(random, random.integer(1, 15))
  const input = [{ role: 'user', content: [part] }] as unknown as ResponseInput
  let response: KeptResponse = await any().responses.create({ model: MODEL, background: true, input })
  const { id } = response
  if (random.chance(0.1)) await delay(random.integer(50, 800)).then(() => any().responses.cancel(id))
  const waitsUntil = performance.now() + WAIT_MS
  while (response.status === 'queued' || response.status === 'in_progress') {
    if (performance.now() > waitsUntil) throw new Error(`${id} is ${response.status} after ${WAIT_MS} ms`)
    await delay(300)
    response = await any().responses.retrieve(id)
  }
  const { ocr } = response as unknown as { ocr?: { pages?: Page[] } }
  for (const page of ocr?.pages ?? []) countOne(seen.pages, `${later.label} ${page.status}`)
  if (response.status === 'completed' && ocr?.pages === undefined)
    seen.problems.push(`${id}: completed without a ledger`)
  await any().responses.delete(id)
}

/** Does one errand. What the gateway refuses as it should is no problem: its servers serve another model now and then. */
async function attempt(kind: string, { seen }: ErrandParts, errand: () => Promise<void>): Promise<void> {
  countOne(seen.kinds, kind)
  try {
    await errand()
  } catch (error) {
    const isHonest = error instanceof APIError && [404, 429, 502, 503].includes(error.status ?? 0)
    if (isHonest) await delay(1000)
    else seen.problems.push(`${kind}: ${String(error)}`)
  }
}
