import type { Engine, Prompt } from '../engine/engine.ts'
import type { EngineAnswer } from './page-answer.ts'

/** Joins an engine's deltas into one answer, and calls `onText` with the text so far after each. What it throws ends the engine's work. */
export async function collect(
  engine: Engine,
  prompt: Prompt,
  signal: AbortSignal,
  onText: (text: string) => void = () => {},
): Promise<EngineAnswer> {
  let text = ''
  const end = await engine(prompt, signal, (delta) => {
    text += delta
    onText(text)
  })
  return { text, ...end }
}
