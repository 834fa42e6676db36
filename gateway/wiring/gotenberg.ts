// What turns Office documents into PDF.
import type { Config } from '../config/load.ts'
import { createConvert, type Convert } from '../document/convert/convert.ts'
import { authorizationOf } from '../document/convert/gotenberg.ts'
import type { ByteBudget } from '../schedule/byte-budget.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Finding } from './finding.ts'

/** Creates what has Office documents converted; null where no Gotenberg is set. */
export function createConfiguredConvert(
  config: Config,
  { log, metrics, bodyBudget }: { readonly log: Log; readonly metrics: Metrics; readonly bodyBudget: ByteBudget },
): Convert | null {
  const { GATEWAY_GOTENBERG_URL: url } = config
  if (url === null) return null
  return createConvert({
    url,
    maxPdfBytes: config.GATEWAY_MAX_DOCUMENT_BYTES,
    budget: bodyBudget,
    idleSeconds: config.GATEWAY_BODY_IDLE_SECONDS,
    maxSeconds: config.GATEWAY_PAGE_TIMEOUT_SECONDS,
    onEnd({ outcome, error, ...conversion }) {
      metrics.conversions.inc({ outcome })
      const fields = { outcome, ...conversion, ...(error === undefined ? {} : { err: error }) }
      log[outcome === 'failed' ? 'warn' : 'debug'](fields, 'conversion ended')
    },
  })
}

const HEALTH_TIMEOUT = 5000

/** Asks Gotenberg how it is; null where none is set. It answers 503 while LibreOffice cannot be started. */
export async function checkGotenberg(url: URL | null): Promise<Finding | null> {
  if (url === null) return null
  const what = 'Gotenberg'
  const todo =
    'see that Gotenberg 8 runs at GATEWAY_GOTENBERG_URL, and that this machine reaches it; until then Office documents fail'
  try {
    const { href } = new URL(`${url.pathname.replace(/\/+$/, '')}/health`, url.origin)
    const headers = { ...authorizationOf(url) }
    const answer = await fetch(href, { headers, redirect: 'manual', signal: AbortSignal.timeout(HEALTH_TIMEOUT) })
    await answer.body?.cancel()
    if (answer.ok) return { what, state: 'good', text: 'is healthy' }
    return { what, state: 'broken', text: `says of itself with status ${answer.status} that it is not well`, todo }
  } catch (error) {
    return { what, state: 'broken', text: `cannot be asked: ${reasonOf(error)}`, todo }
  }
}

/** What fetch has to say is in the cause of what it throws. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error
  const { code, message: why } = Object(cause) as { readonly code?: unknown; readonly message?: unknown }
  return [code, why].find((text) => typeof text === 'string' && text !== '')?.toString() ?? message
}
