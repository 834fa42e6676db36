import type { ListedHost } from '../../gateway/document/download/address.ts'
import { createDownloads, type DownloadOptions, type Downloads } from '../../gateway/document/download/downloads.ts'
import { createByteBudget } from '../../gateway/schedule/byte-budget.ts'

/** What a test cares about of downloads. */
export type MadeDownloads = Partial<Omit<DownloadOptions, 'listed'>> & {
  readonly listed?: readonly Partial<ListedHost>[]
}

/** The downloads of one request, with everything a test does not care about. No name leads anywhere. */
export function makeDownloads({ listed = [], ...options }: MadeDownloads = {}): Downloads {
  const maxDocumentBytes = 1_000_000
  return createDownloads({
    listed: listed.map((host) => ({ host: '', isSuffix: false, port: null, ...host })),
    resolve: async () => [],
    maxDocumentBytes,
    maxRequestBytes: 2 * maxDocumentBytes,
    budget: createByteBudget({ bytes: 10_000_000, largest: 2 * maxDocumentBytes, isShared: false }),
    idleSeconds: 10,
    maxSeconds: 20,
    onEnd: () => {},
    ...options,
  })(null)
}

/** Finds and downloads the document of an address, as a request would that is never aborted. */
export async function openAt(
  at: Downloads,
  address: string,
  signal: AbortSignal = new AbortController().signal,
): Promise<Uint8Array> {
  const source = await at(address, { param: 'the.field', filename: null, declaredMediaType: null, password: null })
  const opened = await source.open(signal)
  source.onOpened?.()
  if (!(opened instanceof Uint8Array)) throw new Error('a download is held in memory')
  return opened
}
