import { onlyAttempt } from '../../../gateway/engine/engine.ts'
import type { Delta, EndDelta, Engine, PagePrompt } from '../../../gateway/engine/engine.ts'
import type { PageImage } from '../../../gateway/page/page.ts'
import { pagePrompt as anyPagePrompt } from '../../support/page-prompt.ts'
import { within } from '../../support/within.ts'

/** One page image, of one byte. */
export const pageImage: PageImage = {
  data: new Uint8Array([1]),
  mediaType: 'image/png',
  width: 800,
  height: 1000,
  rasterizer: 'pdfjs',
  blank: false,
  warnings: [],
  textLayer: null,
}

const image = async () => pageImage

const nothing = () => {}

/** Builds a page prompt that uses the cache. */
export function pagePrompt(pageKey: string, changes: Partial<PagePrompt> = {}): PagePrompt {
  return anyPagePrompt({ pageKey, cache: 'use', image, ...changes })
}

/** Builds the last delta of a good answer. */
export function endDelta(changes: Partial<EndDelta> = {}): EndDelta {
  const usage = { promptTokens: 10, completionTokens: 5 }
  const size = { width: 800, height: 1000, rasterizer: 'pdfjs', engine: 'vllm', blank: false, warnings: [] } as const
  return { type: 'end', finishReason: 'stop', usage, ...size, cache: 'miss', ...onlyAttempt, ...changes }
}

/** Reads an answer to its end. */
export async function collect(deltas: AsyncIterable<Delta>): Promise<{ text: string; end: EndDelta | undefined }> {
  const pieces: string[] = []
  let end: EndDelta | undefined
  for await (const delta of deltas) {
    if (delta.type === 'text') pieces.push(delta.text)
    else end = delta
  }
  return { text: pieces.join(''), end }
}

/** One page asked of the scripted engine; it says what the test tells it to. */
export interface ScriptedCall {
  readonly prompt: PagePrompt
  readonly signal: AbortSignal
  /** Strings are text deltas; an end delta ends the answer. */
  say(...pieces: readonly (string | EndDelta)[]): void
  /** Ends the stream without an end delta. */
  breakOff(): void
  fail(error: Error): void
  /** Resolves when the engine has ended its work. */
  readonly ended: Promise<void>
}

/** An engine that draws the page, then answers as the test tells it to; it obeys its signal. */
export function createScriptedEngine() {
  const calls: ScriptedCall[] = []
  const drawn: ScriptedCall[] = []
  let announce = nothing

  const engine: Engine = async function* scripted(prompt, signal) {
    const queue: (Delta | Error | null)[] = []
    let wake = nothing
    const push = (item: Delta | Error | null) => {
      queue.push(item)
      wake()
    }
    const ended = Promise.withResolvers<void>()
    const call: ScriptedCall = {
      prompt,
      signal,
      say(...pieces) {
        for (const piece of pieces) push(typeof piece === 'string' ? { type: 'text', text: piece } : piece)
      },
      breakOff: () => push(null),
      fail: push,
      ended: ended.promise,
    }
    calls.push(call)
    signal.addEventListener('abort', () => wake(), { once: true })
    try {
      await prompt.image(signal)
      drawn.push(call)
      announce()
      for (;;) {
        signal.throwIfAborted()
        const item = queue.shift()
        if (item instanceof Error) throw item
        if (item === null) return
        if (item === undefined) await new Promise<void>((resolve) => (wake = resolve))
        else yield item
        if (item?.type === 'end') return
      }
    } finally {
      ended.resolve()
    }
  }

  /** Waits for the next call that has its page image. One waiter at a time. */
  async function nextCall(): Promise<ScriptedCall> {
    for (;;) {
      const call = drawn.shift()
      if (call !== undefined) return call
      await within(new Promise<void>((resolve) => (announce = resolve)), 2_000, 'the engine is asked')
    }
  }

  return { engine, calls, nextCall }
}
