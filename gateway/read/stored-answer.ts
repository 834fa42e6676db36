import { z } from 'zod'
import type { PageStore } from '../cache/page-store.ts'
import { pageAnswer, type PageAnswer } from './page-answer.ts'
import type { PageToRead } from './page-to-read.ts'

/** Raised when the stored shape changes: older values are misses then. */
const STORED_VERSION = 6

/** Only answers that ended well are kept, and how a request came by one is its own. */
const storedAnswer = pageAnswer.omit({ cache: true, imageKey: true, isFallback: true }).extend({
  v: z.literal(STORED_VERSION),
  finishReason: z.literal('stop'),
  /** Asking again would not tell more of the confidence: it was asked for, told unasked, or there is nothing to be sure of. */
  isConfidenceFinal: z.boolean(),
})

/** Stands under a page key for the answer to its page image, which any number of pages may share. */
const storedPointer = z.object({ v: z.literal(STORED_VERSION), imageKey: z.string() })

const stored = z.union([storedPointer, storedAnswer])

type StoredAnswer = z.infer<typeof storedAnswer>

/** Reads what the store has under a key; null for nothing, or nothing that tells all that the page's question asks. Never throws. */
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
    return { ...facts, isFallback: false, cache: 'hit', imageKey: isPointer ? found.imageKey : null }
  } catch {
    // A store that fails and a value that nobody can read are misses.
    return null
  }
}

async function readAnswer(store: PageStore, imageKey: string, signal: AbortSignal): Promise<StoredAnswer> {
  return storedAnswer.parse(JSON.parse((await store.get(imageKey, signal)) ?? 'null'))
}

/** Stores an answer that is whole and good, and leaves out any other; only points to one that is kept already. Never throws. */
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
    // The page was read; that it could not be kept is the store's to report.
  }
}
