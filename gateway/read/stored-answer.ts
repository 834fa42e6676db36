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
 * Reads the answer that is stored under a key; null on a miss, also when it lacks the confidence asked for. Never
 * throws.
 */
export async function readStored(
  store: PageStore,
  key: string,
  { question }: PageToRead,
  signal: AbortSignal,
): Promise<PageAnswer | null> {
  try {
    const value = await store.get(key, signal)
    if (value === null) return null
    const found = stored.parse(JSON.parse(value))
    const isPointer = 'imageKey' in found
    const answer = isPointer ? await readAnswer(store, found.imageKey, signal) : found
    if (question.confidence && !answer.isConfidenceFinal) return null
    const { v: _, isConfidenceFinal: __, ...facts } = answer
    const known = { isFallback: false, cache: 'hit', imageKey: isPointer ? found.imageKey : null } as const
    return Object.assign(facts, known)
  } catch {
    // A store that fails and a value that cannot be parsed are misses.
    return null
  }
}

async function readAnswer(store: PageStore, imageKey: string, signal: AbortSignal): Promise<StoredAnswer> {
  return storedAnswer.parse(JSON.parse((await store.get(imageKey, signal)) ?? 'null'))
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
