import { estimateTokens } from '../read/guard/estimate-tokens.ts'
import { imagesToRead, type PageImage, type PageSize } from '../page/page.ts'
import { targetSize, type TargetSize } from '../page/target-size.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { Expectation } from './ledger.ts'
import type { ReadingPace } from './reading-pace.ts'

/** What one page to read will be sent as. */
export interface PageCost {
  /** One, or as many as it has tiles with ink. */
  readonly prompts: number
  readonly promptTokens: number
}

/** What a chat template puts around an image and a text: role names and their marks. */
const TEMPLATE_TOKENS = 12
/** A full page of print, in Markdown: what is expected before any page was read. */
const UNMEASURED_COMPLETION_TOKENS = 1000

const A4: PageSize = { width: 595, height: 842, unit: 'pt' }

/** Returns what a drawn page will be sent as. */
export function costOf(image: PageImage, request: OcrRequest): PageCost {
  const images = imagesToRead(image)
  const promptTokens = images.reduce((tokens, size) => tokens + promptTokensOf(size, request), 0)
  return { prompts: images.length, promptTokens }
}

/** Returns what a page will be sent as that nobody has drawn: it is taken for a written page of A4. */
export function unseenCost(request: OcrRequest): PageCost {
  const size = targetSize(A4, request.model.profile.pixelBudget)
  return { prompts: 1, promptTokens: promptTokensOf(size, request) }
}

/** Sums what the pages to read will take: prompts by the profile, answers and time as the pages read before took. */
export function expectReading(costs: readonly PageCost[], request: OcrRequest, pace: ReadingPace | null): Expectation {
  const prompts = costs.reduce((sum, cost) => sum + cost.prompts, 0)
  const promptTokens = costs.reduce((sum, cost) => sum + cost.promptTokens, 0)
  const { maxOutputTokens } = request.model.profile
  const perPrompt = pace?.completionTokens ?? Math.min(UNMEASURED_COMPLETION_TOKENS, maxOutputTokens)
  return {
    promptTokens,
    completionTokens: Math.round(prompts * perPrompt),
    seconds: prompts === 0 ? 0 : pace === null ? null : secondsFor(prompts, pace),
    measuredPages: pace?.pages ?? 0,
  }
}

/** However many are read at a time, one page takes what one page takes. */
function secondsFor(prompts: number, { secondsPerPage, pagesPerSecond }: ReadingPace): number {
  return Number(Math.max(secondsPerPage, prompts / pagesPerSecond).toPrecision(3))
}

/** Tesseract is shown the image and counts no tokens. */
function promptTokensOf({ width, height }: TargetSize, { model, prompt }: OcrRequest): number {
  if (model.engine === 'tesseract') return 0
  const text = prompt === null ? 0 : Math.ceil(estimateTokens(prompt))
  return model.profile.imageTokens({ width, height }) + text + TEMPLATE_TOKENS
}
