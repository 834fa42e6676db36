// Watches a gateway from a process of its own, so that whoever sends it documents cannot disturb what is measured: its
// memory and that of its children, how soon it says that it is alive, and how soon another key's page is read.
import { setTimeout as delay } from 'node:timers/promises'
import { barcodePath } from '../make-pdf.ts'
import { rawPdf } from '../../fixtures/raw-pdf.ts'
import { askFor } from './ask.ts'
import { processTree, treeMemory } from './process-memory.ts'
import type { Watched, WatcherOptions } from './watch-gateway.ts'

const SAMPLE_MS = 100
/** Longer than any bar, and than honest pages may ever take. */
const PAGE_LIMIT_MS = 120_000

const options = JSON.parse(process.argv[2] ?? '') as WatcherOptions
let watched = fresh()
let pages = 0
/** When the requests that are on their way were sent. */
const underway: Record<'healthMs' | 'pageMs', number | null> = { healthMs: null, pageMs: null }

function fresh() {
  return {
    peakMegabytes: 0,
    peakResidentMegabytes: 0,
    lastMegabytes: 0,
    healthMs: [] as number[],
    pageMs: [] as number[],
    failures: [] as string[],
    wasEnded: false,
  }
}

process.on('message', () => {
  // What has no answer yet has taken so long at least.
  for (const which of ['healthMs', 'pageMs'] as const) {
    const startedAt = underway[which]
    if (startedAt !== null) watched[which].push(performance.now() - startedAt)
  }
  const said: Watched = watched
  watched = { ...fresh(), wasEnded: watched.wasEnded }
  process.send?.(said)
})
process.once('disconnect', () => process.exit())

void watchMemory()
void watchHealth()
if (options.pageEveryMs !== null) void watchPages(options.pageEveryMs)

async function watchMemory(): Promise<void> {
  for (;;) {
    const { megabytes, residentMegabytes } = treeMemory(options.pid)
    watched.lastMegabytes = megabytes
    watched.peakMegabytes = Math.max(watched.peakMegabytes, megabytes)
    watched.peakResidentMegabytes = Math.max(watched.peakResidentMegabytes, residentMegabytes)
    if (megabytes > options.endBeyondMegabytes) end()
    await delay(SAMPLE_MS)
  }
}

/** Before the machine runs out of memory, the gateway does. */
function end(): void {
  watched.wasEnded = true
  for (const id of processTree(options.pid)) {
    try {
      process.kill(id, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
}

async function watchHealth(): Promise<void> {
  for (;;) {
    const startedAt = performance.now()
    underway.healthMs = startedAt
    try {
      const response = await fetch(`${options.url}/health`, { signal: AbortSignal.timeout(PAGE_LIMIT_MS) })
      await response.arrayBuffer()
      if (response.status !== 200) watched.failures.push(`/health: ${response.status}`)
    } catch (error) {
      watched.failures.push(`/health: ${String(error)}`)
    }
    underway.healthMs = null
    watched.healthMs.push(performance.now() - startedAt)
    await delay(SAMPLE_MS)
  }
}

async function watchPages(everyMs: number): Promise<void> {
  for (;;) {
    underway.pageMs = performance.now()
    const { milliseconds, outcome } = await askFor(options, { file: 'page.pdf', bytes: page(pages++) }, PAGE_LIMIT_MS)
    if (outcome !== '200') watched.failures.push(`a page: ${outcome}`)
    underway.pageMs = null
    watched.pageMs.push(milliseconds)
    await delay(everyMs)
  }
}

/** A page that no cache knows: no two look alike, and none has text. */
function page(number: number): Uint8Array {
  const at = 100 + 5 * Math.floor(number / 4096)
  return rawPdf({ pages: [{ content: `0 g ${barcodePath(number % 4096)}f 50 ${at} 300 200 re f` }] })
}
