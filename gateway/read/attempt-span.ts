import type { Usage } from '../engine/engine.ts'
import type { Question } from '../profile/question.ts'
import { errorName, type Span } from '../telemetry/span.ts'

/** What a span says of an attempt that has ended. */
export interface AttemptEnd {
  /** Why it did not count; null when it did. */
  readonly reason: string | null
  readonly usage: Usage | null
  readonly finishReason: string | null
}

/**
 * Makes an attempt at a page in a span of its own, named as OpenTelemetry's conventions for generative AI name it. The engine
 * says where it went.
 */
export async function traceAttempt<Result>(
  page: Span | undefined,
  { question: { model }, number }: { readonly question: Question; readonly number: number },
  attempt: (span: Span | undefined) => Promise<Result>,
  describe: (result: Result) => AttemptEnd,
): Promise<Result> {
  if (page === undefined) return attempt(undefined)
  const asked = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': model.engine,
    'gen_ai.request.model': model.id,
  }
  const span = page.child(`chat ${model.id}`, { ...asked, 'ocr.attempt.number': number }, 'client')
  try {
    const result = await attempt(span)
    endAttempt(span, describe(result))
    return result
  } catch (error) {
    // Another attempt was good first, or nobody waits for the page any more.
    const isLeft = error instanceof DOMException && error.name === 'AbortError'
    if (isLeft) span.set({ 'ocr.attempt.outcome': 'left' })
    span.end(isLeft ? null : errorName(error))
    throw error
  }
}

/** What a server calls a finish reason could be any text. */
const isWord = (text: string | null): text is string => text !== null && /^\w{1,32}$/.test(text)

function endAttempt(span: Span, { reason, usage, finishReason }: AttemptEnd): void {
  span.set({
    'ocr.attempt.outcome': reason ?? 'accepted',
    'gen_ai.usage.input_tokens': usage?.promptTokens ?? null,
    'gen_ai.usage.output_tokens': usage?.completionTokens ?? null,
    'gen_ai.response.finish_reasons': isWord(finishReason) ? [finishReason] : null,
  })
  span.end(reason)
}
