import { createHash } from 'node:crypto'
import type { PageImage } from '../page/page.ts'
import type { ReadPage } from './flights.ts'
import type { Once } from './once.ts'
import type { PageAnswer } from './page-answer.ts'
import type { PageToRead } from './page-to-read.ts'

/**
 * Reads a page image once, wherever it stands: pages are known by what they look like, in place of where they stand.
 * A `refresh` reads a page image once for each request; the request's other pages with this image may have that answer.
 */
export async function oncePerImage(
  once: Once,
  page: PageToRead,
  image: PageImage,
  signal: AbortSignal,
  read: ReadPage,
): Promise<PageAnswer> {
  const { questionKey, cache, refreshedImages } = page
  if (image.sha256 === undefined || cache === 'off') return read({ ...page, cache: 'off' }, signal)
  const key = imageKey(questionKey, image)
  const shown: PageToRead = { ...page, cache: refreshedImages.has(key) ? 'use' : cache }
  const answer = await once(key, shown, signal, read)
  if (shown.cache === 'refresh' && answer.finishReason === 'stop') refreshedImages.add(key)
  return { ...answer, imageKey: key }
}

/** Returns the hash of a page image, all that is known of it included, and of everything else that decides its raw text. */
export function imageKey(questionKey: string, image: PageImage): string {
  // The bytes are in `sha256`; a warning or a text layer of its own makes another page of it.
  const facts = JSON.stringify(image, (name, value: unknown) => (name === 'data' ? undefined : value))
  return createHash('sha256').update(`${questionKey} ${facts}`).digest('hex')
}
