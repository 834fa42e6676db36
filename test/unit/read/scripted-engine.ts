import type { Delta, EndDelta, Engine, Prompt } from '../../../gateway/engine/engine.ts'
import type { PageImage } from '../../../gateway/page/page.ts'
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

const nothing = () => {}

/** Builds the last delta of a good answer. */
export function endDelta(changes: Partial<EndDelta> = {}): EndDelta {
  const usage = { promptTokens: 10, completionTokens: 5 }
  return { type: 'end', finishReason: 'stop', usage, confidence: null, ...changes }
}

/** One prompt that the scripted engine was asked; it says what the test tells it to. */
export interface ScriptedCall {
  readonly prompt: Prompt
  readonly signal: AbortSignal
  /** Strings are text deltas; an end delta ends the answer. */
  say(...pieces: readonly (string | EndDelta)[]): void
  /** Ends the stream without an end delta. */
  breakOff(): void
  fail(error: Error): void
  /** Resolves when the engine has ended its work. */
  readonly ended: Promise<void>
}

/** An engine that answers as the test tells it to; it obeys its signal. */
export function createScriptedEngine() {
  const calls: ScriptedCall[] = []
  const fresh: ScriptedCall[] = []
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
    fresh.push(call)
    announce()
    signal.addEventListener('abort', () => wake(), { once: true })
    try {
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

  /** Waits for the next call. One waiter at a time. */
  async function nextCall(): Promise<ScriptedCall> {
    for (;;) {
      const call = fresh.shift()
      if (call !== undefined) return call
      await within(new Promise<void>((resolve) => (announce = resolve)), 2_000, 'the engine is asked')
    }
  }

  return { engine, calls, nextCall }
}
