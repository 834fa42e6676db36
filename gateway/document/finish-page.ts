import type { PageImage } from '../page/page.ts'
import { encode } from './encode.ts'
import { measureInk } from './ink.ts'
import type { Drawing } from './opened-document.ts'
import type { Rasterization } from './rasterizer-messages.ts'

/** Makes the page image out of a drawing. */
export async function finishPage({ bitmap, rasterizer }: Drawing, { mediaType }: Rasterization): Promise<PageImage> {
  const data = await encode(bitmap, mediaType)
  return { data, mediaType, width: bitmap.width, height: bitmap.height, rasterizer, blank: measureInk(bitmap).blank, warnings: [] }
}
