import type { Delta, EndDelta } from '../engine/engine.ts'
import { GatewayError } from '../errors.ts'
import type { EngineAnswer } from './page-answer.ts'

/**
 * Joins an engine's deltas into one answer, and calls `onText` with the text so far after each delta. Throws
 * `engine_error` when the deltas stop without an end delta.
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
  if (end !== null) {
    const { type: _, ...facts } = end
    return { text, ...facts }
  }
  throw new GatewayError('engine_error', 'The OCR engine broke off in the middle of this page. Try again.')
}
