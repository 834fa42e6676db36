import { imagesToRead } from '../page/page.ts'
import type { CloserLook } from '../read/cross-check.ts'
import type { AttemptReport } from '../read/guard/guard.ts'
import type { PageAnswer } from '../read/page-answer.ts'
import type { PageToRead } from '../read/page-to-read.ts'
import type { PageObserver, ReadObserver } from '../read/read-page.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Who } from '../usage/counts.ts'
import type { UsageMeter } from '../usage/meter.ts'
import type { PaceMeter } from './reading-pace.ts'

/** Creates the observer that counts and times pages while they are read. */
export function observeReading(metrics: Metrics, meter: PaceMeter): ReadObserver {
  return {
    onSlot: (seconds) => metrics.queueSeconds.observe({ queue: 'page' }, seconds),
    onBegin: (page) => observePage(page, metrics, meter),
  }
}

function observePage({ question }: PageToRead, { stageSeconds }: Metrics, meter: PaceMeter): PageObserver {
  const reading = meter.begin(question.model.id, question.task)
  let since = performance.now()
  let prompts = 1
  const observe = (stage: string): void => {
    const now = performance.now()
    stageSeconds.observe({ stage }, (now - since) / 1000)
    since = now
  }
  return {
    onDrawn(image) {
      observe('rasterize')
      prompts = Math.max(1, imagesToRead(image).length)
    },
    onAnswer(answer) {
      // A page whose image was read before was only drawn.
      if (answer.cache !== 'miss') return
      observe('engine')
      if (isMeasure(answer)) reading.read(answer.usage.completionTokens, prompts)
    },
    [Symbol.dispose]: () => reading[Symbol.dispose](),
  }
}

/** Tells whether an engine has read the page whole. */
function isMeasure({ finishReason, isFallback }: PageAnswer): boolean {
  return finishReason === 'stop' && !isFallback
}

/** Creates the callbacks that count attempts and closer looks, and the tokens of answers that did not count. */
export function observeAttempts(metrics: Metrics, usage: Pick<UsageMeter, 'add'>) {
  const waste = ({ key, model }: Who, tokens: AttemptReport['usage']): void => {
    if (tokens === null) return
    const { promptTokens: wastedPromptTokens, completionTokens: wastedCompletionTokens } = tokens
    metrics.wastedTokens.inc({ kind: 'prompt', model }, wastedPromptTokens)
    metrics.wastedTokens.inc({ kind: 'completion', model }, wastedCompletionTokens)
    usage.add({ key, model }, { wastedPromptTokens, wastedCompletionTokens })
  }
  return {
    onAttempt: ({ key, model, reason, usage: tokens }: AttemptReport): void => {
      metrics.attempts.inc({ model, outcome: reason ?? 'accepted' })
      if (reason !== null) waste({ key, model }, tokens)
    },
    onCloserLook: ({ key, model, outcome, wasted }: CloserLook): void => {
      metrics.closerLooks.inc({ model, outcome })
      waste({ key, model }, wasted)
    },
  }
}
