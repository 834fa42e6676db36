import type { Delta, EndDelta } from '../engine/engine.ts'
import { GatewayError } from '../errors.ts'
import type { EngineAnswer } from './page-answer.ts'

/**
 * Puts an engine's deltas together; `onText` is told the text so far after each. Throws `engine_error` for an answer that
 * was broken off.
 */
export async function collect(
  deltas: AsyncIterable<Delta>,
  onText: (text: string) => void = () => {},
): Promise<EngineAnswer> {
  let text = ''
  let end: EndDelta | null = null
  for await (const delta of deltas) {
    if (delta.type === 'end') end = delta
    else text += delta.text
    onText(text)
  }
  if (end !== null) return { text, finishReason: end.finishReason, usage: end.usage, confidence: end.confidence }
  throw new GatewayError('engine_error', 'The OCR engine broke off in the middle of this page. Try again.')
}
