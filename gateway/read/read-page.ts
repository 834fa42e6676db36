import type { EngineName } from '../engine/engine.ts'
import type { PageImage } from '../page/page.ts'
import type { Gates } from '../schedule/request-gates.ts'
import type { Release } from '../schedule/slots.ts'
import { withSpan } from '../telemetry/span.ts'
import type { AskEngine } from './ask.ts'
import { crossCheck, type CrossCheckOptions } from './cross-check.ts'
import type { FindKnown, Once } from './once.ts'
import { readEasyLayer } from './easy-layer.ts'
import { oncePerImage } from './once-per-image.ts'
import { blank, type PageAnswer } from './page-answer.ts'
import type { PageSlots } from './page-slots.ts'
import type { Draw, PageToRead } from './page-to-read.ts'
import { readTiles } from './tiles/read-tiles.ts'

/** The services that read pages. */
export interface ReadServices {
  readonly once: Once
  /** Looks pages up together, before they are read. */
  readonly findKnown: FindKnown
  readonly slots: PageSlots
  /** Keeps a caller to the pages that it may have in flight. */
  readonly gates: Gates
  readonly ask: Readonly<Record<EngineName, AskEngine>>
  readonly crossCheck: CrossCheckOptions
  readonly observer: ReadObserver
}

/** Observes the pages that take a slot: not hits of their page key, and not pages that joined another request's. Must not throw. */
export interface ReadObserver {
  /** Called when a page has its slot, with how long it waited. */
  readonly onSlot: (seconds: number) => void
  /** Called when the work on a page begins. The observer that it returns is disposed when that work ends. */
  readonly onBegin: (page: PageToRead) => PageObserver
}

/** Observes one page. */
export interface PageObserver extends Disposable {
  readonly onDrawn: (image: PageImage) => void
  /** Not called for a blank page, nor for one that failed. */
  readonly onAnswer: (answer: PageAnswer) => void
}

/**
 * Reads one page. A page that is neither a hit nor read by another request waits for a slot and is drawn. If it has no
 * ink, or its image was read before, or its text layer says all of it where that is enough, no engine is asked. Throws what drawing and asking throw, and the signal's reason.
 */
export async function readPage(
  page: PageToRead,
  services: Omit<ReadServices, 'findKnown'>,
  signal: AbortSignal,
): Promise<PageAnswer> {
  if (page.known !== undefined) return page.known
  const { once, ask, observer } = services
  const { engine } = page.question.model
  return once(page.key, page, signal, async (page, signal) => {
    using slot = await takeSlot(page, services, signal)
    using observed = observer.onBegin(page)
    const image = await withSpan(page.span, 'draw page', () => lending(slot, page.draw)(signal))
    observed.onDrawn(image)
    if (image.blank) return blank(image, engine)
    const easy = page.mayBeEasy === true ? readEasyLayer(page, image) : null
    if (easy !== null) return easy
    const answer = await oncePerImage(once, page, image, signal, (page, signal) =>
      crossCheck(
        { ...page, drawCloser: page.drawCloser === null ? null : lending(slot, page.drawCloser) },
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

/** A page is in flight from here on: first its caller must have room for it, then the engine. */
async function takeSlot(
  page: PageToRead,
  services: Pick<ReadServices, 'gates' | 'slots' | 'observer'>,
  signal: AbortSignal,
): Promise<HeldSlot> {
  const { turn, question, span } = page
  const askedAt = performance.now()
  return withSpan(span, 'queue page', async () => {
    const leave = await services.gates.enter(turn, signal)
    try {
      const slots = services.slots[question.model.engine].slotsFor(question.model.id)
      const release = await slots.acquire(turn, signal)
      services.observer.onSlot((performance.now() - askedAt) / 1000)
      const { lane } = turn
      return {
        lend: () => slots.lend(lane),
        [Symbol.dispose]() {
          release()
          leave()
        },
      }
    } catch (error) {
      leave()
      throw error
    }
  })
}

/** A slot that a page holds until it is disposed of. */
interface HeldSlot extends Disposable {
  readonly lend: () => Release
}

/** Draws without the slot where the page has to wait behind others: else a few slow pages would hold all slots. */
function lending(slot: HeldSlot, draw: Draw): Draw {
  return async (signal, options) => {
    const lent: Release[] = []
    try {
      return await draw(signal, { ...options, onAside: () => lent.length === 0 && lent.push(slot.lend()) })
    } finally {
      for (const takeBack of lent) takeBack()
    }
  }
}
