import type { PageImage } from '../page/page.ts'
import type { EndDelta } from './engine.ts'

/** Returns what the end of an answer says of the page image that an engine was shown. */
export function pageFacts({
  width,
  height,
  rasterizer,
  blank,
  warnings,
}: PageImage): Pick<EndDelta, 'width' | 'height' | 'rasterizer' | 'blank' | 'warnings'> {
  return { width, height, rasterizer, blank, warnings }
}
