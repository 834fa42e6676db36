import { GatewayError } from '../../errors.ts'
import type { AttemptReason } from '../page-answer.ts'

/** The error of the last attempt at a page, with the reasons why no attempt counted. */
export class PageFailure extends GatewayError {
  /** One for each attempt, in order. */
  readonly reasons: readonly AttemptReason[]

  constructor(last: GatewayError, reasons: readonly AttemptReason[]) {
    const { code, message, cause, retry, retryAfterSeconds } = last
    const [param, kind, tokenShare] = [last.param ?? undefined, last.kind ?? undefined, last.tokenShare ?? undefined]
    super(code, message, { param, cause, retry, retryAfterSeconds, kind, tokenShare })
    this.reasons = reasons
  }
}
