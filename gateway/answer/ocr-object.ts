import type { DryRun, Ledger, LedgerPage } from '../ocr/ledger.ts'
import type { PageFormulas } from '../ocr/page-event.ts'
import { figureName } from '../ocr/page-figures.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import { fieldObjects } from './fields.ts'
import type { DryRunObject, FigureObject, LedgerLine, OcrObject } from '../wire/openai/ocr-object.ts'

/** Builds the `ocr` object of a response, the page ledger, in the names that clients see. */
export function ocrObject(ledger: Ledger, { model, task, figures, routes }: OcrRequest): OcrObject {
  const documents = ledger.documents.map(({ sha256, mediaType, pages, name }) => ({
    sha256,
    media_type: mediaType,
    pages,
    ...(name === null ? {} : { name }),
  }))
  const [document] = documents
  if (document === undefined) throw new Error('The ledger has no document.')
  const several = documents.length > 1
  return {
    document,
    ...(several ? { documents } : {}),
    task,
    pages: ledgerLines(ledger, { model }),
    ...(routes == null || ledger.dryRun !== undefined ? {} : { routes: routeCounts(ledger) }),
    ...(figures?.marks === 'reference' && ledger.dryRun === undefined ? { figures: figureObjects(ledger) } : {}),
    ...fieldObjects(ledger.fields),
    ...(ledger.dryRun === undefined ? {} : { dry_run: dryRunObject(ledger.dryRun) }),
    ...(ledger.warnings.length > 0 ? { warnings: ledger.warnings } : {}),
  }
}

/** Builds the lines of the page ledger. */
export function ledgerLines(
  { pages, documents }: Pick<Ledger, 'documents' | 'pages'>,
  { model }: Pick<OcrRequest, 'model'>,
): LedgerLine[] {
  return pages.map((page) => ledgerLine(page, model.id, documents.length > 1))
}

/** What is undefined is not written. All lines have the same names, so that V8 makes and writes them fast. */
function ledgerLine(page: LedgerPage, model: string, several: boolean): LedgerLine {
  return {
    page: page.page,
    label: page.label ?? undefined,
    document: several ? page.document : undefined,
    document_page: several ? page.documentPage : undefined,
    status: page.status,
    cache: page.cache,
    attempts: page.attempts,
    reasons: ifAny(page.reasons),
    engine: page.engine,
    model: page.model ?? model,
    route: page.route,
    rasterizer: page.rasterizer,
    finish_reason: page.finishReason,
    width: page.width,
    height: page.height,
    prompt_tokens: page.usage.promptTokens,
    completion_tokens: page.usage.completionTokens,
    agreement: page.agreement === null ? undefined : rounded(page.agreement),
    confidence: page.confidence === null ? undefined : confidence(page.confidence),
    formulas: page.formulas === undefined ? undefined : formulas(page.formulas),
    verify: page.verify === undefined ? undefined : verifyObject(page.verify),
    start: page.start,
    end: page.end,
    joined: page.joined,
    header: page.header,
    footer: page.footer,
    warnings: ifAny(page.warnings),
    error: page.error === null ? undefined : { code: page.error.code, message: page.error.message },
  }
}

function ifAny<Item>(list: readonly Item[]): readonly Item[] | undefined {
  return list.length === 0 ? undefined : list
}

function formulas({ count, unchecked, brokenCount, broken }: PageFormulas): LedgerLine['formulas'] {
  return {
    count,
    ...(unchecked > 0 ? { unchecked } : {}),
    ...(brokenCount > 0 ? { broken_count: brokenCount, broken } : {}),
  }
}

/** Counts pages by where their text is from; those that a second model has read too a second time. */
function routeCounts({ pages }: Ledger): NonNullable<OcrObject['routes']> {
  const counts: Record<string, number> = {}
  const count = (route: string): void => void (counts[route] = (counts[route] ?? 0) + 1)
  for (const { route, verify } of pages) {
    if (route !== undefined) count(route)
    if (verify?.error === null) count('verified')
  }
  return counts
}

function verifyObject(verify: NonNullable<LedgerPage['verify']>): LedgerLine['verify'] {
  const { model, agreement, differences, count, error, usage } = verify
  if (error !== null) return { model, error }
  return {
    model,
    agreement: rounded(agreement ?? 0),
    differences,
    differences_total: count,
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
  }
}

function figureObjects({ pages }: Ledger): FigureObject[] {
  return pages.flatMap(({ page, figures = [] }) =>
    figures.flatMap((figure, index) => {
      if (figure === null) return []
      const { bytes, mediaType, width, height, place } = figure
      const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
      const box = [place.left, place.top, place.right, place.bottom] as const
      return [{ name: figureName(page, index + 1, figure), page, media_type: mediaType, data, width, height, box }]
    }),
  )
}

function dryRunObject({ expected, ...found }: DryRun): DryRunObject {
  return {
    pages: found.pages,
    cached_pages: found.cachedPages,
    blank_pages: found.blankPages,
    repeated_pages: found.repeatedPages.map(({ page, sameAs }) => ({ page, same_as: sameAs })),
    unreadable_pages: found.unreadablePages,
    pending_pages: found.pendingPages,
    pages_to_read: found.pagesToRead,
    ...(found.easyPages === undefined ? {} : { easy_pages: found.easyPages }),
    ...(found.verifiedBy === undefined ? {} : { verified_by: found.verifiedBy }),
    expected: {
      prompt_tokens: expected.promptTokens,
      completion_tokens: expected.completionTokens,
      seconds: expected.seconds,
      measured_pages: expected.measuredPages,
    },
  }
}

function confidence({ mean, lowest }: NonNullable<LedgerPage['confidence']>): LedgerLine['confidence'] {
  return { mean: rounded(mean), lowest: rounded(lowest) }
}

/** Rounds to three digits: a share is known no better. */
function rounded(share: number): number {
  return Math.round(share * 1000) / 1000
}
