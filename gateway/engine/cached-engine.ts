import { z } from 'zod'
import type { PageStore } from '../cache/page-store.ts'
import type { PageImage, PageWarning } from '../page/page.ts'
import { attemptReasons } from './engine.ts'
import type { EndDelta, Engine, PagePrompt } from './engine.ts'
import { joinedEngine } from './joined-engine.ts'

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

type StoredAnswer = z.infer<typeof storedAnswer>

/**
 * Wraps an engine so that it asks the store first, and joins a page already in flight. Only whole, good answers are
 * stored: ended with `stop`, and not empty unless the page is blank. `cache: 'off'` neither reads, stores nor joins.
 *
 * The page key says nothing of confidence: an answer that has it serves everyone, one without is a miss to who asks for it.
 */
export function cachedEngine(engine: Engine, store: PageStore): Engine {
  // The store is read inside the flight: two who ask at once cannot both miss, one after the other's answer was stored.
  const shared = joinedEngine(storedEngine(engine, store))
  return function cached(prompt, signal) {
    return prompt.cache === 'off' ? engine(prompt, signal) : shared(prompt, signal)
  }
}

function storedEngine(engine: Engine, store: PageStore): Engine {
  return async function* stored(prompt, signal) {
    const answer = prompt.cache === 'use' ? await read(store, prompt, signal) : null
    if (answer !== null) {
      const { v: _, isConfidenceFinal: __, text, ...end } = answer
      yield { type: 'text', text }
      yield { type: 'end', ...end, isFallback: false, cache: 'hit' }
      return
    }
    let text = ''
    for await (const delta of engine(prompt, signal)) {
      if (delta.type === 'text') text += delta.text
      // Not awaited: the caller has its answer now, whatever the store does.
      else void write(store, prompt, text, delta)
      yield delta
    }
  }
}

async function read(
  store: PageStore,
  { pageKey, confidence }: PagePrompt,
  signal: AbortSignal,
): Promise<StoredAnswer | null> {
  let answer: StoredAnswer | null = null
  try {
    const value = await store.get(pageKey, signal)
    if (value !== null) answer = storedAnswer.parse(JSON.parse(value))
  } catch {
    // A store that fails and a value that nobody can read are misses.
  }
  signal.throwIfAborted()
  return confidence && answer?.isConfidenceFinal === false ? null : answer
}

async function write(store: PageStore, prompt: PagePrompt, text: string, end: EndDelta): Promise<void> {
  const { type: _, cache: __, isFallback, finishReason, ...facts } = end
  if (isFallback || finishReason !== 'stop' || (text.trim() === '' && !end.blank)) return
  const lists = { warnings: [...end.warnings], reasons: [...end.reasons] }
  const isConfidenceFinal = prompt.confidence || end.confidence !== null || end.blank
  const answer: StoredAnswer = { v: STORED_VERSION, text, finishReason, ...facts, ...lists, isConfidenceFinal }
  try {
    await store.set(prompt.pageKey, JSON.stringify(answer))
  } catch {
    // The page was read; that it could not be kept is the store's to report.
  }
}
