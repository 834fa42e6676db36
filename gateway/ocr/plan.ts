import type { Document, Rasterization } from '../document/open.ts'
import type { Source } from '../document/source.ts'
import { createAgreementLevel } from '../read/evidence/agreement-level.ts'
import type { Draw, PageToRead } from '../read/page-to-read.ts'
import { GatewayError } from '../errors.ts'
import type { PageWarning } from '../page/page.ts'
import { resolvePages } from '../page/page-range.ts'
import type { Turn } from '../schedule/turn.ts'
import { withSpan, type SpanAttributes } from '../telemetry/span.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import { expectSchema } from './fields/expect-schema.ts'
import type { FieldServices } from './fields/page-fields.ts'
import type { DocumentOpen, PageNumber } from './page-event.ts'
import { createSharedByPages, unchanged, type SharedByPages } from './another-reading.ts'
import { pageKeys, type CachePartition } from './page-key.ts'
import type { PlannedPage } from './recognize.ts'

/** The services and limits of planning. */
export interface PlanServices extends Pick<FieldServices, 'schemas'> {
  /** Opens a source: one document, or the cover sheet and the files of a portfolio. */
  readonly openDocuments: (source: Source, turn: Turn, signal: AbortSignal) => Promise<readonly Document[]>
  readonly rasterizationVersion: string
  /** How page images are encoded; null: as the profile says. */
  readonly imageMediaType: Rasterization['mediaType'] | null
  readonly cachePartition: CachePartition
  /** Tells which keys the cache holds. */
  readonly cached: (keys: readonly string[], signal: AbortSignal) => Promise<boolean[]>
  readonly maxPages: number
}

/** What is known of a request before any of its pages is drawn. Disposing it closes the documents. */
export interface Plan extends AsyncDisposable {
  /** The numbers of the pages, in page order. */
  readonly numbers: readonly number[]
  /** The pages, in page order, once. Each is made when it is asked for: most of a long document wait for their turn. */
  readonly pages: IteratorObject<PlannedPage>
  /** Whether the cache holds a page, by its place among them. */
  readonly isKnown: (index: number) => boolean
  readonly opened: DocumentOpen
}

/**
 * Opens a request's documents, chooses its pages and looks for them in the cache. Throws what opening throws,
 * `page_out_of_range` and `too_many_pages`, and `invalid_value` for a schema that is none.
 */
export async function planRequest(request: OcrRequest, services: PlanServices, signal: AbortSignal): Promise<Plan> {
  await expectSchema(request, services, signal)
  await using opening = new AsyncDisposableStack()
  const documents = await openAll(request, services, opening, signal)
  const { numbers, keys, pages } = planPages(request, documents, services)
  const known = await findCached(keys, request, services, signal)
  // Found pages come at once. The others' keys would wait for as long as the document takes: they are hashed again.
  const keysOfKnown = keys.map((key, index) => (known[index] === true ? key : null))
  const opened = opening.move()
  return {
    numbers,
    pages: pages(keysOfKnown),
    isKnown: (index) => known[index] === true,
    opened: {
      type: 'document-open',
      documents: documents.map(({ sha256, mediaType, pageCount, name }) => ({
        sha256,
        mediaType,
        pages: pageCount,
        name,
      })),
      pages: numbers.length,
      cachedPages: known.filter(Boolean).length,
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/**
 * Opens every document of a request. Each has a page at least: too many are refused unopened, and without a page range
 * none is opened beyond the limit.
 */
async function openAll(
  request: OcrRequest,
  { openDocuments, maxPages }: PlanServices,
  opening: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Document[]> {
  const { sources, pages, turn } = request
  const [first] = sources
  if (sources.length > maxPages) {
    const message = `The request holds ${sources.length} documents, and at most ${maxPages} pages are read at once. Send fewer documents in each request.`
    throw new GatewayError('too_many_pages', message, { param: first?.param })
  }
  const documents: Document[] = []
  let pageCount = 0
  for (const source of sources) {
    const opened = await withSpan(request.span, 'ocr.document', async (span) => {
      const found = await openDocuments(source, turn, signal)
      span?.set(describeDocuments(found))
      return found
    })
    for (const document of opened) {
      documents.push(opening.use(document))
      pageCount += document.pageCount
    }
    if (pages === null && pageCount > maxPages) throw tooManyPages(`${pageCount} pages or more`, request, maxPages)
  }
  return documents
}

function describeDocuments(documents: readonly Document[]): SpanAttributes {
  const pages = documents.reduce((sum, { pageCount }) => sum + pageCount, 0)
  return { 'ocr.document.type': documents[0]?.mediaType ?? null, 'ocr.document.pages': pages }
}

function tooManyPages(asked: string, { pages, pageNaming, sources }: OcrRequest, maxPages: number): GatewayError {
  const { param, first } = pageNaming
  const message = `The request asks for ${asked}, and at most ${maxPages} are read at once. Ask for fewer with ${param}, such as "${first}-${maxPages - 1 + first}".`
  return new GatewayError('too_many_pages', message, { param: pages === null ? sources[0]?.param : param })
}

/** Tells which keys the cache holds; empty when the request does not use the cache's answers. */
export async function findCached(
  keys: readonly string[],
  request: OcrRequest,
  { cached }: PlanServices,
  signal: AbortSignal,
): Promise<readonly boolean[]> {
  return request.cache === 'use' ? cached(keys, signal) : []
}

/** The pages of a plan, and their keys. */
interface PlannedPages extends Pick<Plan, 'numbers'> {
  readonly keys: readonly string[]
  /** Returns the pages, by the keys that are still there. */
  readonly pages: (keys: readonly (string | null)[]) => Plan['pages']
}

function planPages(request: OcrRequest, documents: readonly Document[], services: PlanServices): PlannedPages {
  const { maxPages } = services
  const total = documents.reduce((pages, { pageCount }) => pages + pageCount, 0)
  const numbers = resolvePages(request.pages, total, request.pageNaming)
  if (numbers.length > maxPages) throw tooManyPages(`${numbers.length} pages`, request, maxPages)
  const planned = documents.map((document) => planDocument(request, document, services))
  const keys = numbers.map((page) => {
    const { document, documentPage } = locate(page, documents)
    return planned[document - 1]!.keyOf(documentPage)
  })
  const sharedBy = createSharedByPages(numbers.length, services.cachePartition)
  const shared = sharedBy(request)
  const levels = documents.map(() => createAgreementLevel())
  const given = new Set<PageWarning>()
  const pageAt = (page: number, key: string | null): PlannedPage => {
    const number = locate(page, documents)
    const { document: counted, documentPage } = number
    const at = counted - 1
    const document = documents[at]!
    const level = levels[at]!
    const another = (asked: OcrRequest): PageToRead => {
      const other = planDocument(asked, document, services)
      const drawn = other.pageOf(documentPage, other.keyOf(documentPage))
      return { ...drawn, ...sharedBy(asked), level: unchanged(level) }
    }
    const { keyOf, pageOf } = planned[at]!
    const own = pageOf(documentPage, key ?? keyOf(documentPage))
    return { number, warnings: warningsOf(document, given), page: { ...own, ...shared, level, another } }
  }
  const pages: PlannedPages['pages'] = (kept) =>
    numbers.values().map((page, index) => pageAt(page, kept[index] ?? null))
  return { numbers, keys, pages }
}

/** Returns what the reader of the document's next page should know of the document, of its portfolio only once. */
function warningsOf({ warnings, portfolioWarning }: Document, given: Set<PageWarning>): readonly PageWarning[] {
  if (portfolioWarning === null || given.has(portfolioWarning)) return warnings
  given.add(portfolioWarning)
  return [portfolioWarning, ...warnings]
}

/** Finds the document that holds a page: pages are numbered through the request, in the order of its documents. */
function locate(page: number, documents: readonly Document[]): PageNumber {
  let documentPage = page
  for (const [index, document] of documents.entries()) {
    if (documentPage <= document.pageCount) {
      const label = document.labels?.[documentPage - 1] ?? null
      return { page, document: index + 1, documentPage, label }
    }
    documentPage -= document.pageCount
  }
  throw new RangeError(`page ${page} is in none of the documents`)
}

/** As printers want pictures: two to three times what models are shown. An image is drawn as large as it is. */
const FIGURE_RASTERIZATION: Rasterization = {
  pixelBudget: { dpi: 300, maxPixels: 12_000_000 },
  mediaType: 'image/png',
  preparation: { tile: false },
  isExtra: true,
}

/** Raised when other pages are easy, or their text is another. */
const EASY_VERSION = 'easy-1'

/** Another drawing may be turned otherwise than the one that the model has seen. */
function liesOtherwise({ preparation: { rotate = false, deskew = false } }: OcrRequest): boolean {
  return rotate || deskew
}

/** How the pages of a document are planned, each by its number in it. */
interface DocumentPlan {
  readonly keyOf: (documentPage: number) => string
  readonly pageOf: (documentPage: number, key: string) => Omit<PageToRead, keyof SharedByPages | 'level' | 'another'>
}

function planDocument(
  request: OcrRequest,
  document: Document,
  { rasterizationVersion, imageMediaType, cachePartition }: PlanServices,
): DocumentPlan {
  const { profile } = request.model
  // Where Tesseract looks at the page first, it is looked at then.
  const mayBeEasy = request.routes?.easy?.textLayer === true && request.routes.easy.tesseract === null
  const rasterization: Rasterization = {
    pixelBudget: profile.pixelBudget,
    mediaType: imageMediaType ?? profile.imageMediaType,
    preparation: request.preparation,
    ...(mayBeEasy ? { lines: true } : {}),
  }
  const shown = request.preview === true ? { ...rasterization, preview: true } : rasterization
  // What is answered without an engine is kept beside what engines answer.
  const drawnAs = `${rasterizationVersion} ${rasterization.mediaType}${mayBeEasy ? ` ${EASY_VERSION}` : ''}`
  const keyOf = pageKeys(request, document, drawnAs, cachePartition)
  const hasFigures = !liesOtherwise(request)
  const pageOf: DocumentPlan['pageOf'] = (documentPage, key) => {
    const draw =
      (asked: Rasterization): Draw =>
      (signal, options) =>
        document.rasterize(documentPage, asked, signal, options)
    return {
      key,
      ...(mayBeEasy ? { mayBeEasy } : {}),
      cache: request.cache,
      draw: draw(shown),
      // A closer look is another attempt; a model with a single attempt gets none.
      drawCloser: profile.ladder.length > 1 ? draw({ ...rasterization, closer: true }) : null,
      drawForFigures: hasFigures ? draw(FIGURE_RASTERIZATION) : null,
      format: document.mediaType,
      requestId: request.id,
      turn: request.turn,
    }
  }
  return { keyOf, pageOf }
}
