import type { EngineName } from '../engine/engine.ts'
import type { PageImage } from '../page/page.ts'
import type { ModelSlots } from '../schedule/slots.ts'
import type { AskEngine } from './ask.ts'
import { crossCheck, type CrossCheckOptions } from './cross-check.ts'
import type { Once } from './once.ts'
import { oncePerImage } from './once-per-image.ts'
import { blank, type PageAnswer } from './page-answer.ts'
import type { PageSlots } from './page-slots.ts'
import type { PageToRead } from './page-to-read.ts'
import { readTiles } from './tiles/read-tiles.ts'

/** What reading a page needs. */
export interface ReadServices {
  readonly once: Once
  readonly slots: PageSlots
  readonly ask: Readonly<Record<EngineName, AskEngine>>
  readonly crossCheck: CrossCheckOptions
  readonly observer: ReadObserver
}

/** What is told of each page that is read here; not of one that the cache knew or another request reads. None may throw. */
export interface ReadObserver {
  /** A page has its slot, after so long a wait. */
  readonly onSlot: (seconds: number) => void
  /** A page begins; the answer is told once it is there, however it ended. Disposed when nothing more comes. */
  readonly onBegin: (page: PageToRead) => PageObserver
}

/** Follows one page. */
export interface PageObserver extends Disposable {
  readonly onDrawn: (image: PageImage) => void
  readonly onAnswer: (answer: PageAnswer) => void
}

/**
 * Reads one page. The cache may know it, or another request be reading it; otherwise it waits for a slot and is drawn. A
 * page without ink ends there, and so does one that looks like a page that was read. Throws what drawing and asking throw,
 * and the signal's reason.
 */
export async function readPage(page: PageToRead, services: ReadServices, signal: AbortSignal): Promise<PageAnswer> {
  const { once, slots, ask, observer } = services
  const { engine, id } = page.question.model
  return once(page.key, page, signal, async (page, signal) => {
    using _ = await takeSlot(page, slots[engine], id, observer, signal)
    using observed = observer.onBegin(page)
    const image = await page.draw(signal)
    observed.onDrawn(image)
    if (image.blank) return blank(image, engine)
    const answer = await oncePerImage(once, page, image, signal, (page, signal) =>
      crossCheck(
        page,
        image,
        (shown, signal) => readTiles(page, shown, ask[engine], signal),
        services.crossCheck,
        signal,
      ),
    )
    observed.onAnswer(answer)
    return answer
  })
}

async function takeSlot(
  { turn }: PageToRead,
  { slotsFor }: ModelSlots,
  modelId: string,
  { onSlot }: ReadObserver,
  signal: AbortSignal,
): Promise<Disposable> {
  const askedAt = performance.now()
  const release = await slotsFor(modelId).acquire(turn, signal)
  onSlot((performance.now() - askedAt) / 1000)
  return { [Symbol.dispose]: release }
}
