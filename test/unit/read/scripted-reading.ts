import type { PageImage } from '../../../gateway/page/page.ts'
import type { ReadPage } from '../../../gateway/read/flights.ts'
import { answered, type PageAnswer } from '../../../gateway/read/page-answer.ts'
import type { PageToRead } from '../../../gateway/read/page-to-read.ts'
import { pageToRead } from '../../support/page-prompt.ts'
import { within } from '../../support/within.ts'
import { pageImage } from './scripted-engine.ts'

/** Makes a page that uses the cache. */
export function cachedPage(key: string, changes: Parameters<typeof pageToRead>[0] = {}): PageToRead {
  return pageToRead({ key, cache: 'use', draw: async () => pageImage, ...changes })
}

/** Builds a good answer to a page. */
export function answerOf(text: string, changes: Partial<PageAnswer> = {}): PageAnswer {
  const usage = { promptTokens: 10, completionTokens: 5 }
  return { ...answered(pageImage, 'vllm', { text, finishReason: 'stop', usage, confidence: null }), ...changes }
}

/** One reading of a page; it ends as the test tells it to. */
export interface ScriptedReading {
  readonly page: PageToRead
  /** The image that was read; the page's own where it was drawn. */
  readonly image: PageImage
  readonly signal: AbortSignal
  answer(text: string, changes?: Partial<PageAnswer>): void
  fail(error: Error): void
}

/** Reads pages as the test tells it to: draws each, then waits for its answer. It obeys its signal. */
export function createScriptedReading() {
  const readings: ScriptedReading[] = []
  const begun: { readonly page: PageToRead; readonly signal: AbortSignal; readonly ended: Promise<void> }[] = []
  const fresh: ScriptedReading[] = []
  let announce = (): void => {}

  async function readImage(page: PageToRead, image: PageImage, signal: AbortSignal): Promise<PageAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<PageAnswer>()
    const reading: ScriptedReading = {
      page,
      image,
      signal,
      answer: (text, changes) => resolve(answerOf(text, changes)),
      fail: reject,
    }
    readings.push(reading)
    fresh.push(reading)
    announce()
    signal.throwIfAborted()
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    return await promise
  }

  const read: ReadPage = async (page, signal) => {
    const ended = Promise.withResolvers<void>()
    begun.push({ page, signal, ended: ended.promise })
    try {
      return await readImage(page, await page.draw(signal), signal)
    } finally {
      ended.resolve()
    }
  }

  /** Waits for the next reading. One waiter at a time. */
  async function nextReading(): Promise<ScriptedReading> {
    for (;;) {
      const reading = fresh.shift()
      if (reading !== undefined) return reading
      await within(new Promise<void>((resolve) => (announce = resolve)), 2_000, 'the page is read')
    }
  }

  return { read, readImage, readings, begun, nextReading }
}
