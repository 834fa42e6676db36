import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { CDPSession, Page } from 'playwright-core'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { englishLines } from '../fixtures/prose.ts'
import { makePdf } from '../support/make-pdf.ts'
import { startBrowser } from '../support/start-browser.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { printBar, printTable, type Row } from './table.ts'

const PAGES = 2000
const MAX_TAB_MIB = 500
const MAX_ELEMENTS = 5000
const MAX_FRAME_MILLISECONDS = 100
const SCROLL_STEPS = 400
const POLL_MILLISECONDS = 500
const MIB = 1024 * 1024

/** A page as a model writes one: a heading, prose, a formula and a table. */
const TEXT = [
  '# A page among many',
  ...englishLines.slice(0, 12),
  'Its area is $A = \\pi r^2$.',
  '| Year | Pages |\n| --- | --- |\n| 2024 | 12 |\n| 2025 | 2000 |',
].join('\n\n')

/** A document of 2,000 pages in the playground: what the tab holds, and how it scrolls. `playground:300` reads fewer. */
export async function benchPlayground(only?: string): Promise<boolean> {
  const count = only === undefined ? PAGES : Number(only)
  await using fake = await startFakeVllm({ answer: () => TEXT, keepsRequests: false })
  await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
  const browser = await startBrowser(['--enable-precise-memory-info'])
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
    const session = await page.context().newCDPSession(page)
    await page.goto(gateway.url)
    const rows: Row[] = [await look('empty', page, session)]
    const startedAt = performance.now()
    await page.setInputFiles('input[type=file]', { name: 'long.pdf', mimeType: 'application/pdf', buffer: pdf(count) })
    for (const share of [0.25, 0.5, 0.75]) {
      while (!(await page.evaluate<boolean>(isRead(Math.floor(count * share))))) await pause(POLL_MILLISECONDS)
      rows.push(await look(`${share * 100} % read`, page, session))
    }
    await page.locator('.view[data-phase="done"]').waitFor({ timeout: 0 })
    const seconds = (performance.now() - startedAt) / 1000
    rows.push(await look('done', page, session))
    const frames = await scrollThrough(page)
    rows.push(await look('scrolled through', page, session))
    return report(rows, frames, `${count} pages in ${seconds.toFixed(0)} s`)
  } finally {
    await browser.close()
  }
}

function pdf(count: number): Buffer {
  const lines = englishLines.slice(0, 20)
  const pages = Array.from({ length: count }, (_, index) => ({
    number: index + 1,
    lines: [`Page ${index + 1}`, ...lines],
  }))
  return Buffer.from(makePdf(pages))
}

/** Whether so many pages have been read, as the page itself says. */
function isRead(pages: number): string {
  return `(() => {
    const words = document.querySelector('.progress p')?.textContent ?? ''
    return Number(words.replaceAll(',', '').split(' ', 1)[0]) >= ${pages} || words.includes(' in ')
  })()`
}

/** What the tab holds at this moment, and at the worst. */
async function look(moment: string, page: Page, session: CDPSession): Promise<Row> {
  const tab = tabMemory()
  await session.send('HeapProfiler.collectGarbage')
  const heap = await page.evaluate<number>('performance.memory.usedJSHeapSize')
  const elements = await page.evaluate<number>("document.querySelectorAll('*').length")
  return {
    moment,
    'tab, MiB': mib(tab.now),
    'at most, MiB': mib(tab.peak),
    'heap, MiB': mib(heap),
    elements: String(elements),
  }
}

/** Of the largest process that shows pages. */
function tabMemory(): { readonly now: number; readonly peak: number } {
  const renderers = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => readText(`/proc/${pid}/cmdline`).includes('--type=renderer'))
    .map((pid) => readText(`/proc/${pid}/status`))
    .map((status) => ({ now: kilobytes(status, 'VmRSS'), peak: kilobytes(status, 'VmHWM') }))
  return renderers.toSorted((one, other) => other.now - one.now)[0] ?? { now: 0, peak: 0 }
}

function kilobytes(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024
}

/** Processes may end while they are looked at. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Jumps to the last page, and from there scrolls back by a view each frame; returns how long each took, in milliseconds. */
function scrollThrough(page: Page): Promise<number[]> {
  return page.evaluate<number[]>(`(async () => {
    const list = document.querySelector('.pane-text .list')
    list.parentElement.dispatchEvent(new PointerEvent('pointerenter'))
    const frames = []
    let before = performance.now()
    for (let step = 1; step <= ${SCROLL_STEPS}; step++) {
      list.scrollTop = step === 1 ? list.scrollHeight : list.scrollTop - list.clientHeight
      await new Promise(requestAnimationFrame)
      frames.push(performance.now() - before)
      before = performance.now()
    }
    return frames
  })()`)
}

function report(rows: readonly Row[], frames: readonly number[], title: string): boolean {
  const sorted = frames.toSorted((one, other) => one - other)
  const [half, most] = [sorted[Math.floor(sorted.length / 2)] ?? 0, sorted[Math.floor(sorted.length * 0.95)] ?? 0]
  process.stdout.write(`${title}; cores: ${execFileSync('nproc').toString()}`)
  printTable(rows)
  process.stdout.write(`a frame while scrolling: ${half.toFixed(0)} ms, 95 of 100 within ${most.toFixed(0)} ms\n`)
  const peak = Math.max(...rows.map((row) => Number(row['at most, MiB'])))
  const elements = Math.max(...rows.map((row) => Number(row['elements'])))
  return [
    printBar(`the tab holds at most ${MAX_TAB_MIB} MiB`, peak <= MAX_TAB_MIB),
    printBar(`no more than ${MAX_ELEMENTS} elements are in the document`, elements <= MAX_ELEMENTS),
    printBar(`95 of 100 frames take at most ${MAX_FRAME_MILLISECONDS} ms`, most <= MAX_FRAME_MILLISECONDS),
  ].every(Boolean)
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(0)
}
