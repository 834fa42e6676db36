import type { PageImage, PagePreview } from '../page/page.ts'
import type { Draw } from '../read/page-to-read.ts'
import type { PageEnd, PageNumber, PagePreviewed } from './page-event.ts'
import type { PlannedPage } from './recognize.ts'

/** Pictures that wait for a client; when there are more, its pages are drawn again when it has taken them. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024
/** Pages that are drawn at a time for their pictures alone. */
const MAX_DRAWING = 2
/** The most of a page's text layer, in UTF-16 code units. */
const MAX_TEXT_LAYER = 65_536

/** Reads one page. */
type Read = (page: PlannedPage, signal: AbortSignal) => Promise<PageEnd>

type PageEnds = AsyncGenerator<readonly PageEnd[], void, undefined>

/** The small pictures of one request's pages. */
export interface Previews {
  /** Returns the pages so that their pictures are taken when they are drawn to be read. */
  readonly watch: (pages: IteratorObject<PlannedPage>) => IteratorObject<PlannedPage>
  /** Returns how a page is read so that one that was not drawn for that is drawn afterwards, for its picture. */
  readonly noting: (read: Read) => Read
  /** Yields pictures as they come, between the ends of pages; ends when each page has had its turn. The signal ends the pages. */
  readonly among: (
    start: (signal: AbortSignal) => PageEnds,
  ) => AsyncGenerator<readonly (PageEnd | PagePreviewed)[], void, undefined>
}

/**
 * Creates the pictures of one request. None is held for longer than its client takes to take it. Once its time is up no more
 * are made. A page that cannot be drawn has none, and that is no failure. Throws the signal's reason when it is aborted.
 */
export function createPreviews(signal: AbortSignal, timeIsUp: AbortSignal): Previews {
  const leave = new AbortController()
  const left = AbortSignal.any([signal, leave.signal])
  const over = AbortSignal.any([left, timeIsUp])
  const queue = new PreviewQueue(over)
  const drawn = new Map<number, PlannedPage>()
  return {
    watch: (pages) =>
      pages.map((planned) => {
        drawn.set(planned.number.page, planned)
        return { ...planned, page: { ...planned.page, draw: watched(planned, queue) } }
      }),
    noting: (read) => async (planned, pageSignal) => {
      const end = await read(planned, pageSignal)
      const unwatched = drawn.get(end.page.page)
      drawn.delete(end.page.page)
      if (unwatched !== undefined && end.result.status !== 'pending') queue.drawLater(unwatched)
      return end
    },
    async *among(start) {
      const ends = start(left)
      try {
        yield* merged(ends, queue)
        signal.throwIfAborted()
      } finally {
        leave.abort(new DOMException('Nobody waits for these pages any more.', 'AbortError'))
        await ends.return()
        await queue.idle()
      }
    },
  }
}

/** Returns how a page is drawn so that its picture is taken from it: what is read, kept and compared is without. */
function watched({ number, page: { draw } }: PlannedPage, queue: PreviewQueue): Draw {
  return async function drawWatched(signal, options) {
    try {
      return queue.take(number, await draw(signal, options))
    } catch (thrown) {
      if (!signal.aborted) queue.giveUp(number)
      throw thrown
    }
  }
}

async function* merged(
  ends: PageEnds,
  queue: PreviewQueue,
): AsyncGenerator<readonly (PageEnd | PagePreviewed)[], void, undefined> {
  let next: ReturnType<PageEnds['next']> | null = nextOf(ends)
  for (;;) {
    // One at a time: what is handed over makes room for more.
    for (const picture of queue.handOver()) yield [picture]
    if (next === null && queue.isOver) return
    const news = queue.news()
    const end: IteratorResult<readonly PageEnd[], void> | 'news' = await (next === null
      ? news
      : Promise.race([next, news]))
    if (end === 'news') continue
    // A page's picture was drawn before its text was read.
    for (const picture of queue.handOver()) yield [picture]
    if (end.done !== true) yield end.value
    next = end.done === true ? null : nextOf(ends)
  }
}

function nextOf(ends: PageEnds): ReturnType<PageEnds['next']> {
  const next = ends.next()
  // It may fail while a picture is handed over, when nobody waits for it yet.
  next.catch(() => {})
  return next
}

/** Pictures that wait for a client, and pages that are to be drawn for theirs. */
class PreviewQueue {
  readonly #over: AbortSignal
  readonly #waiting: PagePreviewed[] = []
  readonly #later: PlannedPage[] = []
  readonly #drawing = new Set<Promise<void>>()
  /** Pages whose pictures were made, or cannot be. */
  readonly #done = new Set<number>()
  #waitingBytes = 0
  #wake = Promise.withResolvers<'news'>()

  constructor(over: AbortSignal) {
    this.#over = over
    over.addEventListener('abort', () => this.#wake.resolve('news'), { once: true })
  }

  /** Whether there will be no more. */
  get isOver(): boolean {
    const isIdle = this.#later.length === 0 && this.#drawing.size === 0
    return this.#over.aborted || (this.#waiting.length === 0 && isIdle)
  }

  /** Takes the picture of a page that was drawn to be read, if there is room for it. Returns the page as it is read. */
  take(page: PageNumber, { preview, ...image }: PageImage): PageImage {
    if (this.#hasRoom) this.#put(page, image, preview)
    return image
  }

  /** Notes that a page cannot be drawn. */
  giveUp({ page }: PageNumber): void {
    this.#done.add(page)
  }

  /** Has a page drawn for its picture, unless that was tried. */
  drawLater(planned: PlannedPage): void {
    if (this.#done.has(planned.number.page)) return
    this.#later.push(planned)
    this.#drawNext()
  }

  /** Hands over the pictures that wait. */
  *handOver(): Generator<PagePreviewed, void, undefined> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.#waitingBytes -= next.preview.data.length
      this.#drawNext()
      yield next
    }
  }

  /** Resolves when there is another picture, or the last page was drawn. */
  news(): Promise<'news'> {
    this.#wake = Promise.withResolvers()
    // It may have come since the others were handed over.
    if (this.#waiting.length > 0) this.#wake.resolve('news')
    return this.#wake.promise
  }

  /** Resolves when no page is being drawn. */
  async idle(): Promise<void> {
    await Promise.all(this.#drawing)
  }

  get #hasRoom(): boolean {
    return this.#waitingBytes < MAX_WAITING_BYTES
  }

  #put(page: PageNumber, image: PageImage, preview: PageImage['preview']): void {
    if (preview === undefined || this.#over.aborted || this.#done.has(page.page)) return
    this.#done.add(page.page)
    const shown = previewOf(image, preview)
    this.#waiting.push({ type: 'page-preview', page, preview: shown })
    this.#waitingBytes += shown.data.length
    this.#wake.resolve('news')
  }

  #drawNext(): void {
    while (this.#later.length > 0 && this.#drawing.size < MAX_DRAWING && this.#hasRoom && !this.#over.aborted) {
      const work = this.#draw(this.#later.shift()!).finally(() => {
        this.#drawing.delete(work)
        this.#drawNext()
        this.#wake.resolve('news')
      })
      this.#drawing.add(work)
    }
  }

  /** Nobody waits for it as for a page that is read. */
  async #draw({ number, page: { draw, turn } }: PlannedPage): Promise<void> {
    try {
      const image = await draw(this.#over, { turn: { ...turn, lane: 'batch' } })
      this.#put(number, image, image.preview)
    } catch {
      // Where the page was read, its line in the ledger says what is wrong with it.
    }
  }
}

/** The page image came in one piece of memory with its picture, which would else be held with it. */
function previewOf({ width, height, textLayer }: PageImage, { data, changes }: PagePreview): PagePreviewed['preview'] {
  const text = textLayer?.text.slice(0, MAX_TEXT_LAYER).toWellFormed() ?? ''
  return { data: data.slice(), changes, width, height, textLayer: text === '' ? null : text }
}
