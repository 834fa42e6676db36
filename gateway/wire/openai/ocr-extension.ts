/** One page of the `ocr` object of a response. Fields beyond these may come with later versions; none ever leaves. */
interface LedgerLine {
  readonly page: number
  readonly document: number
  readonly documentPage: number
  readonly status: string
  readonly cache: string
  readonly attempts: number
  readonly reasons: readonly string[]
  readonly engine: string
  readonly rasterizer: string | null
  readonly finishReason: string | null
  readonly width: number | null
  readonly height: number | null
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number }
  readonly warnings: readonly { readonly code: string; readonly message: string }[]
  readonly agreement: number | null
  readonly confidence: { readonly mean: number; readonly lowest: number } | null
  readonly error: { readonly code: string; readonly message: string } | null
  readonly start: number
  readonly end: number
}

interface LedgerDocument {
  readonly sha256: string
  readonly mediaType: string
  readonly pages: number
}

interface LedgerDryRun {
  readonly pages: number
  readonly cachedPages: number
  readonly blankPages: readonly number[]
  readonly repeatedPages: readonly { readonly page: number; readonly sameAs: number }[]
  readonly unreadablePages: readonly { readonly page: number; readonly code: string }[]
  readonly pendingPages: readonly number[]
  readonly pagesToRead: number
  readonly expected: {
    readonly promptTokens: number
    readonly completionTokens: number
    readonly seconds: number | null
    readonly measuredPages: number
  }
}

/** Builds the `ocr` object of a response, the page ledger, in the names that clients see. */
export function ocrExtension(
  ledger: {
    readonly documents: readonly LedgerDocument[]
    readonly pages: readonly LedgerLine[]
    readonly warnings: readonly { readonly code: string; readonly message: string }[]
    readonly dryRun?: LedgerDryRun
  },
  model: string,
  task: string,
): { ocr: object } {
  const documents = ledger.documents.map(({ sha256, mediaType, pages }) => ({ sha256, media_type: mediaType, pages }))
  const several = documents.length > 1
  return {
    ocr: {
      document: documents[0],
      ...(several ? { documents } : {}),
      task,
      pages: ledger.pages.map((line) => ledgerLine(line, model, several)),
      ...(ledger.dryRun === undefined ? {} : { dry_run: dryRun(ledger.dryRun) }),
      ...(ledger.warnings.length > 0 ? { warnings: ledger.warnings } : {}),
    },
  }
}

function ledgerLine(line: LedgerLine, model: string, several: boolean): object {
  return {
    page: line.page,
    ...(several ? { document: line.document, document_page: line.documentPage } : {}),
    status: line.status,
    cache: line.cache,
    attempts: line.attempts,
    ...(line.reasons.length > 0 ? { reasons: line.reasons } : {}),
    engine: line.engine,
    model,
    rasterizer: line.rasterizer,
    finish_reason: line.finishReason,
    width: line.width,
    height: line.height,
    prompt_tokens: line.usage.promptTokens,
    completion_tokens: line.usage.completionTokens,
    ...(line.agreement === null ? {} : { agreement: rounded(line.agreement) }),
    ...(line.confidence === null ? {} : { confidence: confidence(line.confidence) }),
    start: line.start,
    end: line.end,
    ...(line.warnings.length > 0 ? { warnings: line.warnings } : {}),
    ...(line.error === null ? {} : { error: { code: line.error.code, message: line.error.message } }),
  }
}

function dryRun({ expected, ...found }: LedgerDryRun): object {
  return {
    pages: found.pages,
    cached_pages: found.cachedPages,
    blank_pages: found.blankPages,
    repeated_pages: found.repeatedPages.map(({ page, sameAs }) => ({ page, same_as: sameAs })),
    unreadable_pages: found.unreadablePages,
    pending_pages: found.pendingPages,
    pages_to_read: found.pagesToRead,
    expected: {
      prompt_tokens: expected.promptTokens,
      completion_tokens: expected.completionTokens,
      seconds: expected.seconds,
      measured_pages: expected.measuredPages,
    },
  }
}

function confidence({ mean, lowest }: { readonly mean: number; readonly lowest: number }): object {
  return { mean: rounded(mean), lowest: rounded(lowest) }
}

/** A fourth digit would say more than is known. */
function rounded(share: number): number {
  return Math.round(share * 1000) / 1000
}
