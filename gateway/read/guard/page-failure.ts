import { GatewayError } from '../../errors.ts'
import type { AttemptReason } from '../page-answer.ts'

/** What the last attempt at a page failed with, and why the others did not count. */
export class PageFailure extends GatewayError {
  /** One for each attempt, in order. */
  readonly reasons: readonly AttemptReason[]

  constructor(last: GatewayError, reasons: readonly AttemptReason[]) {
    const { code, message, param, cause, retry, retryAfterSeconds, kind } = last
    super(code, message, { param: param ?? undefined, cause, retry, retryAfterSeconds, kind: kind ?? undefined })
    this.reasons = reasons
  }
}
