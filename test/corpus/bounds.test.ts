import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { HostileFile } from '../fixtures/hostile/hostile-file.ts'
import { memoryAfter, missedBars, type Bars } from '../support/bounds/bars.ts'
import { startHostileRun } from '../support/bounds/hostile-run.ts'
import { readCorpus } from './read-corpus.ts'

const PAGE_LIMIT_SECONDS = 5
const environment = { GATEWAY_RASTERIZE_TIMEOUT_SECONDS: String(PAGE_LIMIT_SECONDS) }
/** The longest of them have a thousand honest pages. */
const options = { environment, answerLimitSeconds: 120, stderr: 'ignore' as const }
const bars: Bars = { memory: 1200, memoryAfter: 500, health: 150, page: 2000, answer: 100 }

const folder = join(import.meta.dirname, '../../../shared/corpus/public/robust')
const files: readonly HostileFile[] = readdirSync(folder).map((file) => ({
  file,
  family: 'robust',
  bytes: () => readCorpus(`public/robust/${file}`),
}))

describe('the damaged and hostile documents of the corpus', { timeout: 230_000 }, () => {
  for (const atOnce of [1, 8]) {
    it(`cost whoever sends them, and nobody else: ${atOnce} at once`, async () => {
      await using run = await startHostileRun(options)
      const reports = await run.sendAll(files, atOnce)
      assert.deepEqual(missedBars(run, bars, await run.watcher.look(), reports), [])
      const left = await memoryAfter(run, bars.memoryAfter)
      assert.ok(left < bars.memoryAfter, `${left.toFixed()} MB half a minute after`)
    })
  }
})
