import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { firstOfEach, hostileFiles } from '../fixtures/hostile/hostile-files.ts'
import { slowPdf } from '../fixtures/slow-pages.ts'
import { memoryAfter, missedBars, type Bars } from '../support/bounds/bars.ts'
import { startHostileRun } from '../support/bounds/hostile-run.ts'

/** As short as honest pages allow on a busy machine with two cores; the default is 60. */
const PAGE_LIMIT_SECONDS = 2
const environment = { GATEWAY_RASTERIZE_TIMEOUT_SECONDS: String(PAGE_LIMIT_SECONDS) }
const options = { environment, answerLimitSeconds: 60, stderr: 'ignore' as const }

/** What a file of each kind has among its first bytes. */
const starts: Readonly<Record<string, string>> = {
  avif: 'ftyp',
  bmp: 'BM',
  gif: 'GIF89a',
  heic: 'ftyp',
  jp2: 'jP  ',
  jpg: '\xff\xd8\xff',
  pdf: '%PDF-',
  png: '\x89PNG',
  tif: 'II*\0',
  webp: 'WEBP',
}

const quick = hostileFiles.filter(({ isLong }) => isLong !== true)

/** With a limit so short that drawers are lost all the time, and other tests beside: `npm run bench bounds` has the bars of a quiet machine. */
const bars: Bars = { memory: 1200, memoryAfter: 500, health: 150, page: 2000, answer: 2 * PAGE_LIMIT_SECONDS + 2 }

describe('hostile files', { timeout: 200_000 }, () => {
  it('are small, and begin as their names say', async () => {
    assert.equal(new Set(hostileFiles.map(({ file }) => file)).size, hostileFiles.length)
    for (const { file, family, bytes } of hostileFiles) {
      const content = Buffer.from(await bytes())
      assert.ok(content.length < 3_100_000, `${file}: ${content.length} bytes`)
      const start = starts[file.slice(file.lastIndexOf('.') + 1)] ?? 'nothing'
      if (family !== 'no documents') assert.ok(content.subarray(0, 12).includes(start, 0, 'latin1'), file)
    }
  })

  it('cost whoever sends them, and nobody else: one at a time', async () => {
    await using run = await startHostileRun(options)
    const reports = await run.sendAll(firstOfEach(quick, 1), 1)
    assert.deepEqual(missedBars(run, bars, await run.watcher.look(), reports), [])
    const left = await memoryAfter(run, bars.memoryAfter)
    assert.ok(left < bars.memoryAfter, `${left.toFixed()} MB half a minute after`)
  })

  it('cost whoever sends them, and nobody else: eight at once', async () => {
    await using run = await startHostileRun(options)
    const reports = await run.sendAll(firstOfEach(quick, 1), 8)
    // Eight that take their whole time take turns. With so short a limit each drawer is lost after two seconds, and
    // starting another takes a third of the processors' time.
    const together = { ...bars, answer: 8 * bars.answer, page: 3 * bars.page }
    assert.deepEqual(missedBars(run, together, await run.watcher.look(), reports), [])
    const left = await memoryAfter(run, bars.memoryAfter)
    assert.ok(left < bars.memoryAfter, `${left.toFixed()} MB half a minute after`)
  })

  it('do not make another key wait: a hundred slow pages', async () => {
    await using run = await startHostileRun(options)
    const slow = { file: 'slow.pdf', family: 'slow pages', bytes: () => slowPdf(100, 60) }
    const report = await run.send(slow)
    const watched = await run.watcher.look()
    // Three pages run into their limit, side by side or one after the other; the others are not begun.
    const patient = { ...bars, page: 3000, answer: 6 * PAGE_LIMIT_SECONDS }
    assert.deepEqual(missedBars(run, patient, watched, [report]), [])
    assert.ok(watched.pageMs.length >= 3, `${watched.pageMs.length} pages were read beside it`)
  })
})
