import { z } from 'zod'
import type { PageStore } from '../cache/page-store.ts'
import type { PageImage, PageWarning } from '../page/page.ts'
import { attemptReasons } from '../engine/engine.ts'
import type { EndDelta, PagePrompt } from '../engine/engine.ts'

/** Raised when the stored shape changes: older values are misses then. */
const STORED_VERSION = 5

const tokens = z.number().int().nonnegative()
const share = z.number().min(0).max(1)
const pixels = z.number().int().positive()
// Keyed by the types themselves, so that a new rasterizer or engine that is missing here does not compile.
const rasterizers = { pdfium: 'pdfium', pdfjs: 'pdfjs', scan: 'scan', sharp: 'sharp' } as const satisfies {
  [Name in PageImage['rasterizer']]: Name
}
const warningCodes = {
  image_small: 'image_small',
  resolution_low: 'resolution_low',
  image_bilevel: 'image_bilevel',
  page_skewed: 'page_skewed',
} as const satisfies { [Code in PageWarning['code']]: Code }
const engines = { vllm: 'vllm', tesseract: 'tesseract' } as const satisfies { [Name in EndDelta['engine']]: Name }

const storedAnswer = z.object({
  v: z.literal(STORED_VERSION),
  text: z.string(),
  finishReason: z.literal('stop'),
  usage: z.object({ promptTokens: tokens, completionTokens: tokens }),
  width: pixels,
  height: pixels,
  rasterizer: z.enum(rasterizers),
  engine: z.enum(engines),
  blank: z.boolean(),
  warnings: z.array(z.object({ code: z.enum(warningCodes), message: z.string() })),
  attempts: z.number().int().positive(),
  reasons: z.array(z.enum(attemptReasons)),
  agreement: share.nullable(),
  confidence: z.object({ mean: share, lowest: share }).nullable(),
  /** Asking again would not tell more of it: it was asked for, was told unasked, or there was nothing to be sure of. */
  isConfidenceFinal: z.boolean(),
})

/** Stands under a page key for the answer to its page image, which any number of pages may share. */
const storedPointer = z.object({ v: z.literal(STORED_VERSION), imageKey: z.string() })

const stored = z.union([storedPointer, storedAnswer])

/** A page's answer as it is kept. */
export type StoredAnswer = z.infer<typeof storedAnswer>

/** Reads what the store has of a page; null for none, or none that tells all that the prompt asks for. Never throws. */
export async function readAnswer(
  store: PageStore,
  { pageKey, confidence }: PagePrompt,
  signal: AbortSignal,
): Promise<StoredAnswer | null> {
  try {
    const value = await store.get(pageKey, signal)
    if (value === null) return null
    let answer = stored.parse(JSON.parse(value))
    if ('imageKey' in answer)
      answer = storedAnswer.parse(JSON.parse((await store.get(answer.imageKey, signal)) ?? 'null'))
    return confidence && !answer.isConfidenceFinal ? null : answer
  } catch {
    // A store that fails and a value that nobody can read are misses.
    return null
  }
}

/** Stores an answer that is whole and good, and leaves out any other; only points to one that is kept already. Never throws. */
export async function writeAnswer(store: PageStore, prompt: PagePrompt, text: string, end: EndDelta): Promise<void> {
  const { type: _, cache: __, isFallback, finishReason, imageKey, ...facts } = end
  if (isFallback || finishReason !== 'stop' || (text.trim() === '' && !end.blank)) return
  const lists = { warnings: [...end.warnings], reasons: [...end.reasons] }
  const isConfidenceFinal = prompt.confidence || end.confidence !== null || end.blank
  const answer: StoredAnswer = { v: STORED_VERSION, text, finishReason, ...facts, ...lists, isConfidenceFinal }
  try {
    const value = imageKey === undefined ? answer : { v: STORED_VERSION, imageKey }
    await store.set(prompt.pageKey, JSON.stringify(value))
  } catch {
    // The page was read; that it could not be kept is the store's to report.
  }
}
