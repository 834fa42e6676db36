import type { PageWarning } from '../page/page.ts'
import type { OcrRequest, OtherReader, Routes } from '../request/ocr-request.ts'
import { requestOf, type PageOfDocument } from './another-reading.ts'
import { isPlainReading } from './easy-page.ts'
import { isBetter, isHard, repairedBy } from './hard-page.ts'
import type { PageResult } from './page-event.ts'
import { freshUsage, startReferee, verify, type ReadAs, type RefereeReading } from './referee.ts'

/** What routing a page takes. */
export interface RoutingServices {
  /** Reads a page as a request asks. Throws the signal's reason alone. */
  readonly read: ReadAs
  /** Looks at the values that a request wants of the page's own text. Throws the signal's reason when aborted. */
  readonly withFields: (result: PageResult, signal: AbortSignal) => Promise<PageResult>
  /** Counts a reading whose text is not the page's. */
  readonly countOther: (result: PageResult, asked: OcrRequest) => void
  /** Fires when nobody waits any longer for more than the page's own text. */
  readonly hurry: AbortSignal
  /** Called when the page has a text, and another model is only waited for to compare. */
  readonly onRead: () => void
}

/** A page, and what it is asked for. */
interface RoutedPage {
  readonly page: PageOfDocument
  readonly request: OcrRequest
  readonly routes: Routes
}

/**
 * Reads a page as its request routes it: an easy page without the model, a hard one by another model once, and each by the referee
 * too, side by side, which is compared with the values as they are in the end. Throws the signal's reason when aborted.
 */
export async function routePage(
  page: PageOfDocument,
  request: OcrRequest,
  services: RoutingServices,
  signal: AbortSignal,
): Promise<PageResult> {
  const { routes } = request
  if (routes == null) return services.withFields(await services.read(page, request, signal), signal)
  const routed = { page, request, routes }
  const { referee } = routes
  const limited = AbortSignal.any([signal, services.hurry])
  const other = referee === null ? null : startReferee(referee, request, page.another, services.read, limited)
  const reading = readOnce(routed, other, services, signal).then((read) => services.withFields(read, signal))
  const result = await reading.catch(async (error: unknown) => {
    await other?.result
    throw error
  })
  if (referee === null || other === null || result.status === 'blank') return result
  services.onRead()
  const theirs = await other.result
  signal.throwIfAborted()
  return verified(result, theirs, routed, services)
}

/** Adds what the referee says, and what its reading has cost. */
function verified(
  result: PageResult,
  theirs: PageResult | null,
  { request, routes: { referee } }: RoutedPage,
  { countOther, hurry }: RoutingServices,
): PageResult {
  // A page that the referee has read for want of another text has nothing to be compared with.
  if (referee === null || result.model === referee.id) return result
  if (theirs !== null && referee.question !== null) countOther(theirs, requestOf(request, referee.question))
  const counted = theirs === null ? result : withUsage(result, freshUsage(theirs))
  if (result.error !== null) return counted
  return { ...counted, verify: verify(result, referee, theirs, hurry.aborted) }
}

const NOTHING = { promptTokens: 0, completionTokens: 0 }

function withUsage(result: PageResult, { promptTokens, completionTokens }: PageResult['usage']): PageResult {
  if (promptTokens + completionTokens === 0) return result
  const { otherUsage = NOTHING } = result
  return {
    ...result,
    otherUsage: {
      promptTokens: otherUsage.promptTokens + promptTokens,
      completionTokens: otherUsage.completionTokens + completionTokens,
    },
  }
}

/** Reads a page by what is cheapest and good enough. */
async function readOnce(
  routed: RoutedPage,
  referee: RefereeReading | null,
  services: RoutingServices,
  signal: AbortSignal,
): Promise<PageResult> {
  const { page, request, routes } = routed
  const easy = await readEasy(routed, services, signal)
  if (easy !== null) return easy
  const read = await services.read(page, request, signal)
  const own: PageResult = { ...read, route: read.isEasy === true ? 'easy_layer' : 'main' }
  if (routes.fallback === null || !isHard(own, page.level)) return own
  return readHard(own, routes.fallback, routed, { services, referee }, signal)
}

/** Has Tesseract read a page where that is allowed; null where it is not sure that the page is easy. */
async function readEasy(
  { page, request, routes: { easy } }: RoutedPage,
  { read, countOther }: RoutingServices,
  signal: AbortSignal,
): Promise<PageResult | null> {
  const tesseract = easy?.tesseract ?? null
  if (easy === null || tesseract === null) return null
  const asked: OcrRequest = { ...requestOf(request, tesseract), confidence: true, routes: layerFirst(easy) }
  const result = await read(page.another(asked), asked, signal)
  const confidence = request.confidence ? result.confidence : null
  const { engine } = request.model
  if (result.isEasy === true) return { ...result, engine, confidence, route: 'easy_layer' }
  if (result.status === 'blank') return { ...result, engine, confidence, route: 'main' }
  if (isPlainReading(result)) return { ...result, confidence, model: tesseract.model.id, route: 'easy_tesseract' }
  countOther(result, asked)
  return null
}

/** The text layer is looked at when the page is drawn for Tesseract. */
const layerFirst = ({ textLayer }: NonNullable<Routes['easy']>): Routes => ({
  fallback: null,
  isEscalation: false,
  referee: null,
  easy: { textLayer, tesseract: null },
})

/** Asks another model once; the better of the two readings counts. */
async function readHard(
  own: PageResult,
  fallback: OtherReader,
  { request, page, routes }: RoutedPage,
  { services, referee }: { readonly services: RoutingServices; readonly referee: RefereeReading | null },
  signal: AbortSignal,
): Promise<PageResult> {
  const { id, question } = fallback
  if (question === null) return { ...own, warnings: [...own.warnings, notUsed(id, 'no upstream serves it now')] }
  const asked = requestOf(request, question)
  const isReferee = routes.referee?.id === id && referee !== null
  const other = isReferee ? await referee.result : await services.read(page.another(asked), asked, signal)
  signal.throwIfAborted()
  if (other !== null && isBetter(other, own)) {
    services.countOther(own, request)
    const route = routes.isEscalation ? 'escalated' : 'fallback'
    return withUsage({ ...repairedBy(other, own), model: id, route }, freshUsage(own))
  }
  const why = other?.error?.code ?? (other === null ? 'engine_unavailable' : 'its answer is no better')
  const kept: PageResult = { ...own, warnings: [...own.warnings, notUsed(id, why)] }
  if (other === null || isReferee) return kept
  services.countOther(other, asked)
  return withUsage(kept, freshUsage(other))
}

function notUsed(id: string, why: string): PageWarning {
  return { code: 'fallback_not_used', message: `${id} was to read this page too, and the text is not from it: ${why}.` }
}
