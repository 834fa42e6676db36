import type { PageImage } from '../page/page.ts'
import { easyText } from './evidence/easy-text.ts'
import { isTrustworthy } from './evidence/trust.ts'
import { drawn, type PageAnswer } from './page-answer.ts'
import type { PageToRead } from './page-to-read.ts'

/**
 * Answers a page from its text layer, without an engine; null where the page is more than plain print in one column, or where its
 * layer cannot be trusted. A layer that an earlier OCR has written never can: a model reads better.
 */
export function readEasyLayer({ question, level }: PageToRead, image: PageImage): PageAnswer | null {
  const { textLayer: layer, tiles } = image
  if (layer?.lines == null || layer.isOcr || layer.unmapped > 0 || tiles !== undefined) return null
  if (!isTrustworthy(layer, level)) return null
  const text = easyText(layer.lines)
  if (text === null) return null
  return { ...drawn(image, question.model.engine), text, finishReason: 'stop', isEasy: true }
}
