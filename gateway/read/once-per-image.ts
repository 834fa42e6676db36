import { createHash } from 'node:crypto'
import type { PageImage } from '../page/page.ts'
import type { ReadPage } from './flights.ts'
import type { Once } from './once.ts'
import type { PageAnswer } from './page-answer.ts'
import type { PageToRead } from './page-to-read.ts'

/**
 * Reads equal page images once: the key is made from the image, and not from the document and page number. A `refresh`
 * reads an image once a request; the request's other pages with the same image take that answer.
 */
export async function oncePerImage(
  once: Once,
  page: PageToRead,
  image: PageImage,
  signal: AbortSignal,
  read: ReadPage,
): Promise<PageAnswer> {
  const { questionKey, cache, refreshedImages } = page
  if (image.sha256 === undefined || cache === 'off') return read(page, signal)
  const key = imageKey(questionKey, image)
  const shown: PageToRead = { ...page, cache: refreshedImages.has(key) ? 'use' : cache }
  const answer = await once(key, shown, signal, read)
  if (shown.cache === 'refresh' && answer.finishReason === 'stop') refreshedImages.add(key)
  return { ...answer, imageKey: key }
}

/** Returns the hash of a page image with all its facts, and of everything else that decides its raw text. */
export function imageKey(questionKey: string, image: PageImage): string {
  // `sha256` covers the bytes. The same image with another warning or text layer is another page.
  // What lines its text layer has decides whether an engine is asked, and nothing of what it says.
  const facts = JSON.stringify(image, (name, value: unknown) =>
    name === 'data' || name === 'lines' ? undefined : value,
  )
  return createHash('sha256').update(`${questionKey} ${facts}`).digest('hex')
}
