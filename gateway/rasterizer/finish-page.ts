import type { PageImage, PagePreview } from '../page/page.ts'
import type { TextLayer } from '../page/text-layer.ts'
import type { Bitmap } from '../prepare/bitmap.ts'
import { encode, encodePreview } from '../prepare/encode.ts'
import { findInkReduced } from '../prepare/ink-mask.ts'
import { isBlank } from '../prepare/ink.ts'
import type { Drawing } from './opened-document.ts'
import { pad } from '../prepare/pad.ts'
import { prepare, unchanged, type Prepared } from '../prepare/prepare.ts'
import { findWarnings, MAX_SKEW_DEGREES } from '../prepare/quality.ts'
import type { Rasterization } from './messages.ts'
import { measureSkew } from '../prepare/skew.ts'

/**
 * Makes the page image of a drawing: measures it, prepares it as asked, pads it to what the model takes and encodes it.
 * A blank page is encoded as it is.
 */
export async function finishPage(
  { bitmap, rasterizer, dpi = null, source = null, textLayer = null, ink = null, warnings: lacks = [] }: Drawing,
  { mediaType, pixelBudget, preparation = {}, preview = false }: Rasterization,
): Promise<PageImage> {
  const found = ink?.of === bitmap ? ink.mask : findInkReduced(bitmap)
  const blank = isBlank(found)
  // Letters that the document itself draws level are level, whatever a few lines of them look like.
  const isLevel = blank || textLayer?.lettering?.isLevel === true
  const wanted = isLevel ? { ...preparation, deskew: false } : preparation
  const changed = blank ? unchanged(bitmap) : await prepare(bitmap, wanted, pixelBudget)
  const prepared = blank ? bitmap : pad(changed.bitmap, pixelBudget)
  // Warns only of the skew that is left after preparation.
  const measured = preparation.deskew ? prepared : bitmap
  const skew = isLevel ? null : measureSkew(measured, measured === bitmap ? found : undefined, MAX_SKEW_DEGREES)
  const warnings = [...findWarnings({ source: blank ? null : source, bitmap, skew }), ...lacks]
  const data = await encode(prepared, mediaType, rasterizer === 'scan')
  const { width, height } = prepared
  const layer = withoutLettering(textLayer)
  const image: PageImage = { data, mediaType, width, height, dpi, rasterizer, blank, warnings, textLayer: layer }
  return preview ? { ...image, preview: await previewOf(prepared, changed) } : image
}

async function previewOf(shown: Bitmap, { bitmap, changes }: Prepared): Promise<PagePreview> {
  const data = await encodePreview(shown)
  return { data, changes: shown === bitmap ? changes : [...changes, { code: 'padded' }] }
}

/** What the letters measure is of use only while the page is drawn. */
function withoutLettering(layer: TextLayer | null): TextLayer | null {
  if (layer === null) return null
  const { lettering: _, ...kept } = layer
  return kept
}
