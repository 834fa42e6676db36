// A real server behind gateways that find out how many pages it is sent at a time, and behind gateways that are told:
// `VLLM_URL=http://127.0.0.1:8000/v1 npm run bench engine`, with LightOnOCR-2-1B served there and nobody else's pages.
import { readMetrics } from '../support/read-metrics.ts'
import { median } from './median.ts'
import { launchGateway, type Launched } from './processes.ts'
import { connect, readDocument } from './read-document.ts'
import { smallPages } from './small-pages.ts'
import { printBar, printTable } from './table.ts'

/** Each gateway in turn; the first round is not counted. Single rounds of one limit differ by a third. */
const ROUNDS = 13
/** About the 32 pages that the server reads at a time; 8 and 16 bring 0.65 and 0.8 to 0.9 of the best. */
const PINNED = [32, 36, 48]
/** The least share of what the best pinned limit brings. */
const MIN_RATIO = 0.97

/** A gateway, and what its rounds have shown. */
interface Measured {
  readonly name: string
  readonly gateway: Launched
  readonly pagesPerSecond: number[]
  readonly limits: number[]
}

/** Measures all gateways in turns, each with documents of so many pages, and prints a table; returns whether the bar was met. */
export async function benchEngine(pagesEach = '160'): Promise<boolean> {
  const pages = Number(pagesEach)
  const url = process.env['VLLM_URL']
  if (url === undefined) throw new Error('set VLLM_URL to the server, VLLM_URL=http://127.0.0.1:8000/v1')
  await using stack = new AsyncDisposableStack()
  const all: Measured[] = []
  for (const pinned of [null, ...PINNED]) {
    const limit: Record<string, string> = pinned === null ? {} : { GATEWAY_UPSTREAM_CONCURRENCY: `${pinned}` }
    // What the cache knows is not read.
    const gateway = stack.use(await launchGateway([url], { GATEWAY_CACHE_MAX_BYTES: '0', ...limit }))
    all.push({ name: pinned === null ? 'found out' : `pinned to ${pinned}`, gateway, pagesPerSecond: [], limits: [] })
  }
  for (let round = 0; round < ROUNDS; round++) {
    const turns = [...all.slice(round % all.length), ...all.slice(0, round % all.length)]
    for (const each of turns) await measure(each, round, pages)
  }
  const best = Math.max(...all.slice(1).map(({ pagesPerSecond }) => median(pagesPerSecond)))
  printTable(
    all.map(({ name, pagesPerSecond, limits }) => ({
      limit: name,
      'pages/s': median(pagesPerSecond).toFixed(2),
      'of the best': (median(pagesPerSecond) / best).toFixed(3),
      'of each round': pagesPerSecond.map((rate) => rate.toFixed(2)).join(' '),
      'limit after each': limits.join(' '),
    })),
  )
  const ratio = median(all[0]?.pagesPerSecond ?? []) / best
  return printBar(`found out: ${ratio.toFixed(3)} of the best pinned limit, at least ${MIN_RATIO}`, ratio >= MIN_RATIO)
}

async function measure(
  { name, gateway, pagesPerSecond, limits }: Measured,
  round: number,
  pages: number,
): Promise<void> {
  // Other pages in each round: a server may know what it has seen.
  const { seconds, pagesRead } = await readDocument(connect(gateway.url), smallPages(pages, round * pages + 1))
  if (pagesRead < pages) throw new Error(`${name}: ${pagesRead} of ${pages} pages are ok`)
  limits.push(await limitOf(gateway))
  if (round > 0) pagesPerSecond.push(pages / seconds)
}

async function limitOf({ url }: Launched): Promise<number> {
  const samples = await readMetrics(url)
  return samples.find(({ name }) => name === 'ocr_gateway_upstream_limit')?.value ?? NaN
}
