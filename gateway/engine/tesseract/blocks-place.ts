import { createConfidenceMeter } from '../confidence.ts'
import type { EngineBlock } from '../engine.ts'
import type { Line } from './recognition.ts'

/** Returns the rectangle around lines, in whole pixels, and how sure Tesseract is of their words. */
export function placeOf(lines: readonly Line[]): Pick<EngineBlock, 'box' | 'confidence'> {
  const meter = createConfidenceMeter()
  let [left, top, right, bottom] = [Infinity, Infinity, 0, 0]
  for (const { box, words } of lines) {
    left = Math.min(left, box.x0)
    top = Math.min(top, box.y0)
    right = Math.max(right, box.x1)
    bottom = Math.max(bottom, box.y1)
    for (const { confidence } of words) meter.add(Math.log(confidence / 100))
  }
  const [x, y] = [Math.max(0, Math.floor(left)), Math.max(0, Math.floor(top))]
  const confidence = meter.read()?.mean ?? null
  return {
    box: [x, y, Math.max(x, Math.ceil(right)), Math.max(y, Math.ceil(bottom))],
    // Three digits: it is known no better.
    confidence: confidence === null ? null : Math.round(confidence * 1000) / 1000,
  }
}
