import { hasSeveralCallers, type Config } from '../config/load.ts'
import { createDownloads } from '../document/download/downloads.ts'
import { createResolve } from '../document/download/resolve.ts'
import type { Files } from '../files/files.ts'
import type { NamedDocuments } from '../request/context.ts'
import { refuseDownload } from '../request/no-downloads.ts'
import { createByteBudget, type ByteBudget } from '../schedule/byte-budget.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'

/** Creates the memory that bodies and fetched documents share. */
export function createBodyBudget(config: Config): ByteBudget {
  return createByteBudget({
    bytes: config.GATEWAY_MAX_BUFFERED_BYTES,
    largest: largestBuffered(config),
    isShared: hasSeveralCallers(config),
  })
}

/** The most that the documents of one request take: as large as a body, or as one document that is downloaded or converted. */
function largestBuffered(config: Config): number {
  const isFetched = config.GATEWAY_ALLOW_URLS || config.GATEWAY_GOTENBERG_URL !== null
  return Math.max(config.GATEWAY_MAX_BODY_BYTES, isFetched ? config.GATEWAY_MAX_DOCUMENT_BYTES : 0)
}

/** As long as a body may take to arrive. */
const MAX_DOWNLOAD_SECONDS = 300

/** Returns what makes the downloads of a request, by the name of its key; null where no address is fetched. */
export function createConfiguredDownloads(
  config: Config,
  { log, metrics, bodyBudget }: { readonly log: Log; readonly metrics: Metrics; readonly bodyBudget: ByteBudget },
): ReturnType<typeof createDownloads> | null {
  if (!config.GATEWAY_ALLOW_URLS) return null
  return createDownloads({
    listed: config.GATEWAY_ALLOWED_URL_HOSTS,
    resolve: createResolve(),
    maxDocumentBytes: config.GATEWAY_MAX_DOCUMENT_BYTES,
    maxRequestBytes: largestBuffered(config),
    budget: bodyBudget,
    idleSeconds: config.GATEWAY_BODY_IDLE_SECONDS,
    maxSeconds: MAX_DOWNLOAD_SECONDS,
    onEnd({ outcome, ...download }) {
      metrics.downloads.inc({ outcome })
      log[outcome === 'ok' ? 'debug' : 'info']({ outcome, ...download }, 'download ended')
    },
  })
}

/** A signed address of this gateway's own is a stored file, whatever its host: it is not fetched. */
export function namedDocuments(
  { named }: Files,
  downloads: ReturnType<typeof createConfiguredDownloads>,
): (key: string | null) => NamedDocuments {
  return (key) => {
    const at = downloads?.(key) ?? refuseDownload
    return {
      stored: async (id, facts) => named.stored(key ?? '', id, facts),
      at: async (address, facts) => (await named.signed(address, facts)) ?? at(address, facts),
    }
  }
}
