import type { Engine } from '../engine/engine.ts'
import { GatewayError } from '../errors.ts'
import type { PageImage } from '../page/page.ts'
import { startTimeLimit } from '../schedule/time-limit.ts'
import { traceAttempt } from './attempt-span.ts'
import { collect } from './collect.ts'
import { answered, type PageAnswer } from './page-answer.ts'
import type { PageToRead } from './page-to-read.ts'

/** Reads one image of a page: the whole page, or a tile of it. */
export type AskEngine = (page: PageToRead, image: PageImage, signal: AbortSignal) => Promise<PageAnswer>

/**
 * Creates an ask that makes one attempt and accepts the answer unchecked. It is for Tesseract, whose empty answer to a
 * picture without text is right.
 */
export function createSingleAsk(engine: Engine, totalTimeoutSeconds: number): AskEngine {
  return async function askOnce({ question, requestId, turn, onTaken, span: page }, image, signal) {
    using limit = startTimeLimit(totalTimeoutSeconds * 1000, () => tooSlow(totalTimeoutSeconds), signal)
    const attempt = { number: 1, sampling: {}, tried: new Set<string>() }
    const answer = await traceAttempt(
      page,
      { question, number: 1 },
      (span) => collect(engine, { question, image, requestId, turn, attempt, onTaken, span }, limit.signal),
      // Tesseract counts no tokens.
      ({ finishReason }) => ({ reason: null, usage: null, finishReason }),
    )
    return answered(image, question.model.engine, answer)
  }
}

function tooSlow(seconds: number): GatewayError {
  return new GatewayError(
    'engine_timeout',
    `The engine did not finish this page within ${seconds} seconds. Try again, or raise GATEWAY_PAGE_TIMEOUT_SECONDS.`,
  )
}
