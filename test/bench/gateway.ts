// The gateway in front of a vLLM that answers at once: what it costs itself.
import { createRasterizer } from '../../gateway/rasterizer/pool.ts'
import { openDocument } from '../../gateway/document/open.ts'
import { findProfile } from '../../gateway/profile/profiles.ts'
import { makePdf } from '../support/make-pdf.ts'
import { cpuSeconds, launchFake, launchGateway } from './processes.ts'
import { treeMemory } from '../support/bounds/process-memory.ts'
import { smallPages } from './small-pages.ts'
import { connect, MODEL, readDocument } from './read-document.ts'
import { printBar, printTable } from './table.ts'
import { someone } from '../support/turn.ts'
import { makeSource } from '../support/make-source.ts'

/** The bars of this benchmark. */
const MAX_PEAK_MEGABYTES = 550
/** How much more memory a document five times as long may take: what the measurement itself scatters. */
const MAX_MEMORY_GROWTH = 1.1

/** The cache is off: what it keeps is no growth. As `gateway/Dockerfile` sets malloc. */
const SETTINGS = {
  GATEWAY_CACHE_MAX_BYTES: '0',
  GATEWAY_MAX_PAGES: '10000',
  MALLOC_ARENA_MAX: '2',
  MALLOC_TRIM_THRESHOLD_: '131072',
}

/**
 * Small pages that are read before memory is looked at. V8 lets buffers that nobody holds any more grow to 64 MB before it
 * collects them, which takes some thousands of such pages: it is no growth either.
 */
const WARMING_PAGES = 3000
/** Pages of text that are read before: drawers are replaced after 500 each, of which these leave some, and what V8 collects late is there. */
const WARMING_TEXT_PAGES = 2200

const INTERVAL_MS = 250

const WORDS =
  'the keeping of small clocks asks for a steady hand and a quiet room where no draught may reach them'.split(' ')

/** A page of running text, different on every page. */
const page = (number: number) => ({
  number: number % 4096,
  fontSize: 11,
  lines: Array.from({ length: 46 }, (_, line) =>
    Array.from({ length: 14 }, (_, word) => WORDS[(number * 7 + line * 5 + word * 3) % WORDS.length]).join(' '),
  ),
})

const textPdf = (pages: number) => makePdf(Array.from({ length: pages }, (_, index) => page(index + 1)))

/** Runs the benchmark and prints its table; returns whether every bar was met. */
export async function benchGateway(): Promise<boolean> {
  const alone = await rasterizeAlone(textPdf(200), 200)
  const warming = textPdf(WARMING_TEXT_PAGES)
  const short = await throughGateway(textPdf(200), 200, warming)
  const long = await throughGateway(textPdf(1000), 1000, warming)
  const warmingRoll = smallPages(WARMING_PAGES, 10_001)
  const roll = await throughGateway(smallPages(1000), 1000, warmingRoll)
  const longRoll = await throughGateway(smallPages(10_000), 10_000, warmingRoll)
  const rows = [
    { what: 'rasterizer alone, 200 pages', ...alone },
    { what: 'gateway, 200 pages', ...short },
    { what: 'gateway, 1000 pages', ...long },
    { what: 'gateway, 1000 small pages', ...roll },
    { what: 'gateway, 10000 small pages', ...longRoll },
  ]
  printTable(rows.map((row) => formatRow(row, alone.pagesPerCpuSecond)))
  const peak = Math.max(...[short, long, roll, longRoll].map(({ peakMegabytes }) => peakMegabytes))
  const verdicts = [
    printBar(`peak memory ${peak.toFixed(0)} MB, at most ${MAX_PEAK_MEGABYTES}`, peak <= MAX_PEAK_MEGABYTES),
    judgeGrowth('1000 pages', long, '200', short),
    judgeGrowth('10000 small pages', longRoll, '1000', roll),
  ]
  return verdicts.every(Boolean)
}

function judgeGrowth(what: string, long: Run, than: string, short: Run): boolean {
  const growth = long.peakMegabytes / short.peakMegabytes
  const text = `${what} take ${growth.toFixed(2)} times the memory of ${than}, at most ${MAX_MEMORY_GROWTH}`
  return printBar(text, growth <= MAX_MEMORY_GROWTH)
}

interface Run {
  readonly pagesPerSecond: number
  readonly pagesPerCpuSecond: number
  readonly peakMegabytes: number
  readonly firstTextSeconds: number | null
}

async function throughGateway(document: Uint8Array, pages: number, first: Uint8Array): Promise<Run> {
  await using fake = await launchFake(['--model', MODEL, '--instant'])
  await using gateway = await launchGateway([fake.url], SETTINGS)
  const client = connect(gateway.url)
  // Threads and caches of a running gateway are warm.
  await readDocument(client, first)
  const cpuBefore = cpuSeconds(gateway.pid)
  await using memory = watchPeak(gateway.pid)
  const { seconds, firstTextSeconds, pagesRead } = await readDocument(client, document)
  if (pagesRead !== pages) throw new Error(`${pagesRead} of ${pages} pages were read`)
  const cpu = cpuSeconds(gateway.pid) - cpuBefore
  return {
    pagesPerSecond: pages / seconds,
    pagesPerCpuSecond: pages / cpu,
    peakMegabytes: memory.peak(),
    firstTextSeconds,
  }
}

/** Looks at the memory of a process and its children again and again, and keeps the most that they held. */
function watchPeak(pid: number) {
  let peak = 0
  const look = () => (peak = Math.max(peak, treeMemory(pid).megabytes))
  const timer = setInterval(look, INTERVAL_MS)
  return {
    peak(): number {
      look()
      return peak
    },
    [Symbol.asyncDispose]: async () => clearInterval(timer),
  }
}

async function rasterizeAlone(bytes: Uint8Array, pages: number): Promise<Run> {
  const rasterizer = createRasterizer({
    threads: 2,
    pageTimeoutSeconds: 60,
    openTimeoutSeconds: 60,
    maxImagePixels: 1e9,
  })
  const source = makeSource(bytes)
  const { signal } = new AbortController()
  const profile = findProfile('lightonocr-2')
  if (profile === undefined) throw new Error('there is no profile lightonocr-2')
  const rasterization = { pixelBudget: profile.pixelBudget, mediaType: profile.imageMediaType }
  await using document = await openDocument(source, rasterizer, { maxDocumentBytes: 1e9, turn: someone }, signal)
  await Promise.all([1, 2].map((number) => document.rasterize(number, rasterization, signal)))
  await using memory = watchPeak(process.pid)
  const cpuBefore = cpuSeconds(process.pid)
  const startedAt = performance.now()
  let next = 1
  const work = async () => {
    while (next <= pages) await document.rasterize(next++, rasterization, signal)
  }
  await Promise.all([work(), work(), work()])
  const seconds = (performance.now() - startedAt) / 1000
  const cpu = cpuSeconds(process.pid) - cpuBefore
  const peak = memory.peak()
  await rasterizer.close()
  return {
    pagesPerSecond: pages / seconds,
    pagesPerCpuSecond: pages / cpu,
    peakMegabytes: peak,
    firstTextSeconds: null,
  }
}

function formatRow(
  { what, pagesPerSecond, pagesPerCpuSecond, peakMegabytes: peak, firstTextSeconds }: Run & { what: string },
  base: number,
) {
  return {
    what,
    'pages/s': pagesPerSecond.toFixed(1),
    'pages/s per core': pagesPerCpuSecond.toFixed(1),
    'of the rasterizer alone': (pagesPerCpuSecond / base).toFixed(2),
    'peak MB': peak.toFixed(0),
    'first text s': firstTextSeconds?.toFixed(2) ?? '',
  }
}
