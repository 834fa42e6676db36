import { z } from 'zod'
import type { PageStore } from '../cache/page-store.ts'
import { pageAnswer, type PageAnswer } from './page-answer.ts'
import type { PageToRead } from './page-to-read.ts'

/** Raised when the stored shape changes, or what counts as an answer: older values are misses then. */
const STORED_VERSION = 7

/** Only answers that ended well are stored. `cache` is left out: each request sets its own. */
const storedAnswer = pageAnswer.omit({ cache: true, imageKey: true, isFallback: true }).extend({
  v: z.literal(STORED_VERSION),
  finishReason: z.literal('stop'),
  /** Answers that were stored before there was such a fact have none. */
  blocks: pageAnswer.shape.blocks.default(null),
  /** Another attempt would not add a confidence: the engine was asked for it, gave it unasked, or the page is blank. */
  isConfidenceFinal: z.boolean(),
})

/** Is stored under a page key and points to the answer of its page image, which any number of pages may share. */
const storedPointer = z.object({ v: z.literal(STORED_VERSION), imageKey: z.string() })

const stored = z.union([storedPointer, storedAnswer])

type StoredAnswer = z.infer<typeof storedAnswer>

/**
 * Reads the answers that are stored under some keys, all of them together, and those together that they point to; null for a
 * miss, also for an answer that lacks the confidence asked for. Never throws.
 */
export async function readStored(
  store: PageStore,
  wanted: readonly Pick<PageToRead, 'key' | 'question'>[],
  signal: AbortSignal,
): Promise<(PageAnswer | null)[]> {
  const keys = wanted.map(({ key }) => key)
  const found = (await getAll(store, keys, signal)).map((value) => parsed(value, stored))
  const imageKeys = found.map((one) => (one !== null && 'imageKey' in one ? one.imageKey : null))
  const pointed = await getAll(
    store,
    imageKeys.filter((key) => key !== null),
    signal,
  )
  let next = 0
  return found.map((one, index) => {
    const imageKey = imageKeys[index] ?? null
    const answer = one === null || !('imageKey' in one) ? one : parsed(pointed[next++] ?? null, storedAnswer)
    const { confidence } = wanted[index]!.question
    return answer === null || (confidence && !answer.isConfidenceFinal) ? null : hit(answer, imageKey)
  })
}

/** A store that fails has none. */
async function getAll(store: PageStore, keys: readonly string[], signal: AbortSignal): Promise<(string | null)[]> {
  if (keys.length === 0) return []
  try {
    return await store.get(keys, signal)
  } catch {
    return keys.map(() => null)
  }
}

/** A value that cannot be parsed is a miss. */
function parsed<Value>(value: string | null, schema: z.ZodType<Value>): Value | null {
  if (value === null) return null
  try {
    return schema.parse(JSON.parse(value))
  } catch {
    return null
  }
}

function hit(answer: StoredAnswer, imageKey: string | null): PageAnswer {
  const { v: _, isConfidenceFinal: __, ...facts } = answer
  return Object.assign(facts, { isFallback: false, cache: 'hit', imageKey } as const)
}

/**
 * Stores a whole, good answer and ignores any other; stores a pointer when the answer has an image key. Never throws.
 */
export async function writeStored(
  store: PageStore,
  key: string,
  { question }: PageToRead,
  answer: PageAnswer,
): Promise<void> {
  const { cache: _, imageKey, isFallback, finishReason, ...facts } = answer
  if (isFallback || finishReason !== 'stop' || (answer.text.trim() === '' && !answer.blank)) return
  const isConfidenceFinal = question.confidence || answer.confidence !== null || answer.blank
  const kept: StoredAnswer = { v: STORED_VERSION, finishReason, ...facts, isConfidenceFinal }
  const pointer = imageKey === null ? null : { v: STORED_VERSION, imageKey }
  try {
    await store.set(key, JSON.stringify(pointer ?? kept))
  } catch {
    // The page has been read; the store reports its own failures.
  }
}
