import { randomUUID } from 'node:crypto'
import { readEasyLayer } from '../read/easy-layer.ts'
import { imageKey } from '../read/once-per-image.ts'
import type { ErrorCode } from '../errors.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import { startDeadline } from './deadline.ts'
import { summarize } from './dry-run-summary.ts'
import { costOf, expectReading, unseenCost, type PageCost } from './expectation.ts'
import type { DryRun } from './ledger.ts'
import type { OcrServices } from './ocr.ts'
import { inPageOrder } from './page-order.ts'
import { findCached, planRequest, type Plan } from './plan.ts'
import { pageError, type PlannedPage } from './recognize.ts'
import type { StitchEvent } from './stitch.ts'

/**
 * Opens, plans and draws a request's pages as the pipeline does, and estimates what reading them would take. Asks no
 * engine, holds no slot and stores nothing. A page that cannot be drawn is listed, and does not fail the request.
 */
export async function* dryRun(
  request: OcrRequest,
  services: OcrServices,
  signal: AbortSignal,
): AsyncGenerator<readonly StitchEvent[], void, undefined> {
  services.admission.check(request.turn.lane)
  await using plan = await planRequest(request, services, signal)
  yield [plan.opened]
  const looks = await lookAtAll(plan, request, services, signal)
  const found = await sumUp(looks, plan, request, services, signal)
  const { documents } = plan.opened
  yield [
    { type: 'text', text: summarize(found, request.model.id), page: null },
    { type: 'end', ledger: { documents, pages: [], warnings: request.warnings, dryRun: found } },
  ]
}

/** What is kept of a page that was looked at, without its image. */
type Look = { readonly page: number } & (
  | { readonly kind: 'inked'; readonly key: string; readonly cost: PageCost }
  | { readonly kind: 'blank' | 'easy' | 'pending' }
  | { readonly kind: 'unreadable'; readonly code: ErrorCode }
)

type LookOf<Kind extends Look['kind']> = Extract<Look, { readonly kind: Kind }>

/**
 * Draws the pages that the cache does not hold. They need no slot: the rasterizer's queue gives each request its turns.
 */
async function lookAtAll(plan: Plan, request: OcrRequest, services: OcrServices, signal: AbortSignal): Promise<Look[]> {
  const isUnknown = (_: unknown, index: number) => !plan.isKnown(index)
  const unknown = plan.pages.filter(isUnknown)
  const count = plan.numbers.filter(isUnknown).length
  using admitted = services.admission.admit(count, null, request.turn.lane, request.turn.key)
  using deadline = startDeadline(request.deadline)
  const look = (page: PlannedPage, pageSignal: AbortSignal) =>
    lookAt(page, request, services, deadline.signal, pageSignal)
  const onEnd = () => admitted.ended()
  const looks = inPageOrder(unknown, look, { lookahead: services.lookahead, onEnd, signal })
  return (await Array.fromAsync(looks)).flat()
}

async function lookAt(
  { number: { page }, page: asked }: PlannedPage,
  request: OcrRequest,
  { log }: OcrServices,
  deadline: AbortSignal,
  signal: AbortSignal,
): Promise<Look> {
  try {
    deadline.throwIfAborted()
    const image = await asked.draw(AbortSignal.any([signal, deadline]))
    if (image.blank) return { page, kind: 'blank' }
    if (asked.mayBeEasy === true && readEasyLayer(asked, image) !== null) return { page, kind: 'easy' }
    // A page without an image hash is never a repeat.
    const key = image.sha256 === undefined ? randomUUID() : imageKey(asked.questionKey, image)
    return { page, kind: 'inked', key, cost: costOf(image, request) }
  } catch (thrown) {
    if (signal.aborted) throw signal.reason
    if (deadline.aborted) return { page, kind: 'pending' }
    const error = pageError(thrown)
    const ids = { request_id: request.id, trace_id: request.span?.traceId }
    log.warn({ ...ids, code: error.code, err: error.cause ?? error }, 'page cannot be drawn')
    return { page, kind: 'unreadable', code: error.code }
  }
}

async function sumUp(
  looks: readonly Look[],
  { opened }: Plan,
  request: OcrRequest,
  services: OcrServices,
  signal: AbortSignal,
): Promise<DryRun> {
  const ofKind = <Kind extends Look['kind']>(kind: Kind) =>
    looks.filter((look): look is LookOf<Kind> => look.kind === kind)
  const inked = ofKind('inked')
  const keys = inked.map(({ key }) => key)
  const known = await findCached(keys, request, services, signal)
  const fresh = inked.filter((_, index) => known[index] !== true)
  const repeated = findRepeated(fresh)
  const pending = ofKind('pending')
  // With the cache off, equal pages are all read.
  const read = request.cache === 'off' ? fresh : fresh.filter(({ page }) => !repeated.has(page))
  const costs = [...read.map(({ cost }) => cost), ...pending.map(() => unseenCost(request))]
  return {
    pages: opened.pages,
    cachedPages: opened.cachedPages + inked.length - fresh.length,
    blankPages: ofKind('blank').map(({ page }) => page),
    repeatedPages: [...repeated].map(([page, sameAs]) => ({ page, sameAs })),
    unreadablePages: ofKind('unreadable').map(({ page, code }) => ({ page, code })),
    pendingPages: pending.map(({ page }) => page),
    pagesToRead: costs.length,
    ...(request.routes?.easy == null ? {} : { easyPages: ofKind('easy').map(({ page }) => page) }),
    ...(request.routes?.referee == null ? {} : { verifiedBy: request.routes.referee.id }),
    expected: expectReading(costs, request, services.meter.pace(request.model.id, request.task)),
  }
}

/** Returns the pages that look like an earlier one, each with the first such page. */
function findRepeated(looks: readonly LookOf<'inked'>[]): ReadonlyMap<number, number> {
  const firsts = new Map<string, number>()
  const repeated = new Map<number, number>()
  for (const { page, key } of looks) {
    const first = firsts.get(key)
    if (first === undefined) firsts.set(key, page)
    else repeated.set(page, first)
  }
  return repeated
}
