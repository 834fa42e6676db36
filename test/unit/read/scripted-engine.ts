import type { AnswerEnd, Engine, Prompt } from '../../../gateway/engine/engine.ts'
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

/** Builds the end of a good answer. */
export function goodEnd(changes: Partial<AnswerEnd> = {}): AnswerEnd {
  const usage = { promptTokens: 10, completionTokens: 5 }
  return { finishReason: 'stop', usage, confidence: null, ...changes }
}

/** One prompt that the scripted engine was asked; it says what the test tells it to. */
export interface ScriptedCall {
  readonly prompt: Prompt
  readonly signal: AbortSignal
  /** Strings are deltas; an end ends the answer. */
  say(...pieces: readonly (string | AnswerEnd)[]): void
  fail(error: Error): void
  /** Resolves when the engine has ended its work. */
  readonly ended: Promise<void>
}

/** An engine that answers as the test tells it to; it obeys its signal. */
export function createScriptedEngine() {
  const calls: ScriptedCall[] = []
  const fresh: ScriptedCall[] = []
  let announce = nothing

  const engine: Engine = async (prompt, signal, onDelta) => {
    const queue: (string | AnswerEnd | Error)[] = []
    let wake = nothing
    const push = (item: string | AnswerEnd | Error) => {
      queue.push(item)
      wake()
    }
    const ended = Promise.withResolvers<void>()
    const call: ScriptedCall = {
      prompt,
      signal,
      say(...pieces) {
        for (const piece of pieces) push(piece)
      },
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
        if (item === undefined) await new Promise<void>((resolve) => (wake = resolve))
        else if (typeof item === 'string') onDelta(item)
        else return item
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
