import type { Document, Rasterization } from '../document/open.ts'
import type { Source } from '../document/source.ts'
import { createAgreementLevel } from '../engine/evidence/agreement-level.ts'
import type { AgreementLevel } from '../engine/evidence/agreement-level.ts'
import { GatewayError } from '../errors.ts'
import { resolvePages } from '../page/page-range.ts'
import type { Turn } from '../page/turn.ts'
import type { OcrModel, OcrRequest } from '../request/ocr-request.ts'
import type { OcrEvent, PageNumber } from './page-event.ts'
import type { Admission } from './admission.ts'
import { pageKey, questionKey } from './page-key.ts'
import { inPageOrder } from './page-order.ts'
import { startDeadline, untilDeadline } from './deadline.ts'
import { createRetryBudget } from './retry-budget.ts'
import { recognize, type PlannedPage, type RecognizeServices } from './recognize.ts'

/** What the pipeline needs. */
export interface OcrServices extends RecognizeServices {
  readonly openDocument: (source: Source, turn: Turn, signal: AbortSignal) => Promise<Document>
  readonly rasterizationVersion: string
  /** How page images are encoded, whatever the profile says; null: as it says. */
  readonly imageMediaType: Rasterization['mediaType'] | null
  /** Tells which page keys the cache holds. */
  readonly cached: (pageKeys: readonly string[], signal: AbortSignal) => Promise<boolean[]>
  readonly admission: Admission
  /** Throws `engine_unavailable` when nobody serves a model any more. */
  readonly expectEngine: (model: OcrModel, signal: AbortSignal) => Promise<void>
  readonly lookahead: number
  readonly maxPages: number
}

/** The pipeline: reads the pages of a request's documents side by side and tells what happens, in page order. */
export async function* ocr(
  request: OcrRequest,
  services: OcrServices,
  signal: AbortSignal,
): AsyncGenerator<OcrEvent, void, undefined> {
  services.admission.check()
  await services.expectEngine(request.model, signal)
  await using documents = await openAll(request, services, signal)
  const pages = planPages(request, documents.all, services)
  const known = await findCached(request, pages, services, signal)
  const cachedPages = known.filter(Boolean).length
  // What the cache holds costs nobody anything.
  using admitted = services.admission.admit(pages.length - cachedPages, request.model.id)
  yield {
    type: 'document-open',
    documents: documents.all.map(({ sha256, mediaType, pageCount }) => ({ sha256, mediaType, pages: pageCount })),
    pages: pages.length,
    cachedPages,
  }
  using deadline = startDeadline(request.deadline)
  const read = (page: PlannedPage, pageSignal: AbortSignal) =>
    untilDeadline(page, request, services.metrics, deadline.signal, pageSignal, (runSignal) =>
      recognize(page, request, services, runSignal),
    )
  const onEnd = (index: number) => {
    // A page that was left tells nothing of how fast pages are read.
    if (known[index] !== true && !signal.aborted) admitted.ended()
  }
  yield* inPageOrder(pages, read, { lookahead: services.lookahead, onEnd, signal })
}

async function openAll({ sources, turn }: OcrRequest, { openDocument }: OcrServices, signal: AbortSignal) {
  await using opened = new AsyncDisposableStack()
  const all: Document[] = []
  for (const source of sources) all.push(opened.use(await openDocument(source, turn, signal)))
  const kept = opened.move()
  return { all, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

function planPages(
  request: OcrRequest,
  documents: readonly Document[],
  { maxPages, rasterizationVersion, imageMediaType }: OcrServices,
): PlannedPage[] {
  const total = documents.reduce((pages, { pageCount }) => pages + pageCount, 0)
  const wanted = resolvePages(request.pages, total)
  if (wanted.length > maxPages) {
    throw new GatewayError(
      'too_many_pages',
      `The request asks for ${wanted.length} pages, and at most ${maxPages} are read at once. Ask for fewer with ocr.pages, such as "1-${maxPages}".`,
      { param: request.pages === null ? request.sources[0]?.param : 'ocr.pages' },
    )
  }
  const retries = createRetryBudget(wanted.length)
  const levels = documents.map(() => createAgreementLevel())
  return wanted.map((page) => {
    const { document, number } = locate(page, documents)
    const level = levels[number.document - 1] ?? createAgreementLevel()
    const prompt = planPrompt(request, document, number, level, { rasterizationVersion, imageMediaType })
    return { number, prompt: { ...prompt, retries } }
  })
}

/** Finds the document that holds a page: pages are numbered through the request, in the order of its documents. */
function locate(page: number, documents: readonly Document[]): { document: Document; number: PageNumber } {
  let documentPage = page
  for (const [index, document] of documents.entries()) {
    if (documentPage <= document.pageCount) return { document, number: { page, document: index + 1, documentPage } }
    documentPage -= document.pageCount
  }
  throw new RangeError(`page ${page} is in none of the documents`)
}

function planPrompt(
  request: OcrRequest,
  document: Document,
  { documentPage }: PageNumber,
  level: AgreementLevel,
  { rasterizationVersion, imageMediaType }: Pick<OcrServices, 'rasterizationVersion' | 'imageMediaType'>,
): PlannedPage['prompt'] {
  const { profile } = request.model
  const rasterization: Rasterization = {
    pixelBudget: profile.pixelBudget,
    mediaType: imageMediaType ?? profile.imageMediaType,
    preparation: request.preparation,
  }
  return {
    pageKey: pageKey(request, document, documentPage, `${rasterizationVersion} ${rasterization.mediaType}`),
    questionKey: questionKey(request),
    cache: request.cache,
    model: request.model,
    task: request.task,
    text: request.prompt,
    image: (signal) => document.rasterize(documentPage, rasterization, signal),
    // A closer look is another attempt: none for a model that is asked once.
    ...(profile.ladder.length > 1
      ? { closerImage: (signal) => document.rasterize(documentPage, { ...rasterization, closer: true }, signal) }
      : {}),
    level,
    requestId: request.id,
    turn: request.turn,
    confidence: request.confidence,
  }
}

async function findCached(
  request: OcrRequest,
  pages: readonly PlannedPage[],
  { cached }: OcrServices,
  signal: AbortSignal,
): Promise<readonly boolean[]> {
  if (request.cache !== 'use') return []
  return cached(
    pages.map(({ prompt }) => prompt.pageKey),
    signal,
  )
}
