import { GatewayError } from '../../errors.ts'
import type { AttemptReason } from '../page-answer.ts'

/** The error of the last attempt at a page, with the reasons why no attempt counted. */
export class PageFailure extends GatewayError {
  /** One for each attempt, in order. */
  readonly reasons: readonly AttemptReason[]

  constructor(last: GatewayError, reasons: readonly AttemptReason[]) {
    const { code, message, param, cause, retry, retryAfterSeconds, kind } = last
    super(code, message, { param: param ?? undefined, cause, retry, retryAfterSeconds, kind: kind ?? undefined })
    this.reasons = reasons
  }
}
