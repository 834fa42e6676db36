import { onlyAttempt } from '../engine/engine.ts'
import type { Engine } from '../engine/engine.ts'
import { pageFacts } from '../engine/page-facts.ts'

/**
 * Wraps an engine so that it is never shown a page without ink: vision models answer an empty page with an invented
 * text (https://github.com/allenai/olmocr/issues/292) or a remark about its emptiness.
 */
export function inkedEngine(engine: Engine): Engine {
  return async function* inked(prompt, signal) {
    const image = await prompt.image(signal)
    if (!image.blank) {
      yield* engine({ ...prompt, image: async () => image }, signal)
      return
    }
    const usage = { promptTokens: 0, completionTokens: 0 }
    const { engine: name } = prompt.model
    yield { type: 'end', finishReason: 'stop', usage, ...pageFacts(image), engine: name, cache: 'miss', ...onlyAttempt }
  }
}
