// Draws PDFs with one drawer of the gateway's own pool. Prints what it took as JSON.
// Usage: gateway-rasterizer.ts auto|pdfium|pdfjs png|jpeg PASSES MAX_PAGES FILE...
import { readFileSync } from 'node:fs'
import { openDocument, type Document } from '../../../gateway/document/open.ts'
import type { PdfRasterizer } from '../../../gateway/rasterizer/open-pdf.ts'
import { createRasterizer } from '../../../gateway/rasterizer/pool.ts'
import { someone } from '../../support/turn.ts'
import { processTree } from '../../support/bounds/process-memory.ts'
import { makeSource } from '../../support/make-source.ts'
import { cpuSeconds } from '../processes.ts'

const [lane, kind, passes, maxPages, ...files] = process.argv.slice(2)
const rasterization = {
  pixelBudget: { longestEdge: 1540, maxPixels: 1540 * 1540 },
  mediaType: kind === 'jpeg' ? 'image/jpeg' : 'image/png',
} as const
const rasterizer = createRasterizer({
  threads: 1,
  pageTimeoutSeconds: 60,
  openTimeoutSeconds: 60,
  maxImagePixels: 1e9,
  pdfRasterizer: lane as PdfRasterizer,
})
const { signal } = new AbortController()
const documents = await Promise.all(files.map(open))
await drawAll()
const [wall, cpu] = [performance.now(), cpuSeconds(process.pid)]
let pages = 0
for (let pass = 0; pass < Number(passes); pass++) pages += await drawAll()
const spent = cpuSeconds(process.pid) - cpu
const wallSeconds = (performance.now() - wall) / 1000
const peakMegabytes = peakOf(processTree(process.pid))
await rasterizer.close()
process.stdout.write(JSON.stringify({ pages, cpuSeconds: spent, wallSeconds, peakMegabytes }))

/** The sum of what each process held at most. */
function peakOf(processes: readonly number[]): number {
  const peaks = processes.map((id) => /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1])
  return peaks.reduce((sum, kilobytes) => sum + Number(kilobytes ?? 0), 0) / 1024
}

function open(file: string): Promise<Document> {
  return openDocument(makeSource(readFileSync(file)), rasterizer, { maxDocumentBytes: 1e9, turn: someone }, signal)
}

async function drawAll(): Promise<number> {
  let drawn = 0
  for (const document of documents) {
    for (let page = 1; page <= Math.min(document.pageCount, Number(maxPages)); page++, drawn++)
      await document.rasterize(page, rasterization, signal)
  }
  return drawn
}
