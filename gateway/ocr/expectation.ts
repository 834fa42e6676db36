import { estimateTokens } from '../read/guard/estimate-tokens.ts'
import { imagesToRead, type PageImage, type PageSize } from '../page/page.ts'
import { targetSize, type TargetSize } from '../page/target-size.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { Expectation } from './ledger.ts'
import type { ReadingPace } from './reading-pace.ts'

/** What one page to read will cost in prompts. */
export interface PageCost {
  /** One, or one for each tile with ink. */
  readonly prompts: number
  readonly promptTokens: number
}

/** What a chat template adds around an image and a text: role names and their marks. */
const TEMPLATE_TOKENS = 12
/** A full page of print, in Markdown; expected until a page has been read. */
const UNMEASURED_COMPLETION_TOKENS = 1000

const A4: PageSize = { width: 595, height: 842, unit: 'pt' }

/** Returns the cost of a drawn page. */
export function costOf(image: PageImage, request: OcrRequest): PageCost {
  const images = imagesToRead(image)
  const promptTokens = images.reduce((tokens, size) => tokens + promptTokensOf(size, request), 0)
  return { prompts: images.length, promptTokens }
}

/** Returns the cost of a page that was not drawn: it is assumed to be an A4 page with ink. */
export function unseenCost(request: OcrRequest): PageCost {
  const size = targetSize(A4, request.model.profile.pixelBudget)
  return { prompts: 1, promptTokens: promptTokensOf(size, request) }
}

/**
 * Sums what the pages to read will take. Completion tokens and time are estimated from the pages that were read before.
 */
export function expectReading(costs: readonly PageCost[], request: OcrRequest, pace: ReadingPace | null): Expectation {
  const prompts = costs.reduce((sum, cost) => sum + cost.prompts, 0)
  const promptTokens = costs.reduce((sum, cost) => sum + cost.promptTokens, 0)
  const { maxOutputTokens } = request.model.profile
  const perPrompt = pace?.completionTokens ?? Math.min(UNMEASURED_COMPLETION_TOKENS, maxOutputTokens)
  return {
    promptTokens,
    completionTokens: Math.round(prompts * perPrompt),
    seconds: prompts === 0 ? 0 : pace === null ? null : secondsFor(costs, pace),
    measuredPages: pace?.pages ?? 0,
  }
}

/** Estimates the time for all prompts, and no less than the page with the most takes: it reads them one by one. */
function secondsFor(costs: readonly PageCost[], { secondsPerPrompt, promptsPerSecond }: ReadingPace): number {
  const prompts = costs.reduce((sum, cost) => sum + cost.prompts, 0)
  const longest = costs.reduce((most, cost) => Math.max(most, cost.prompts), 0)
  return Number(Math.max(secondsPerPrompt * longest, prompts / promptsPerSecond).toPrecision(3))
}

/** Returns the tokens of one prompt; none for Tesseract, which counts no tokens. */
function promptTokensOf({ width, height }: TargetSize, { model, prompt }: OcrRequest): number {
  if (model.engine === 'tesseract') return 0
  const text = prompt === null ? 0 : Math.ceil(estimateTokens(prompt))
  return model.profile.imageTokens({ width, height }) + text + TEMPLATE_TOKENS
}
