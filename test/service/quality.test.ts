import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createPageDrawer } from '../quality/draw-pages.ts'
import { madeDocuments } from '../quality/made-documents.ts'
import { runScripted } from '../quality/runs.ts'
import { byAbout, byType, shortfalls } from '../quality/tally.ts'

describe('npm run quality', { timeout: 120_000 }, () => {
  it('finds repaired pages better than first answers, and nothing worse', async () => {
    const some = madeDocuments().filter(({ category }) => ['prose-3', 'nothing-to-join'].includes(category))
    await using drawer = createPageDrawer(2)
    const run = await runScripted(some, { drawer, maxPages: 6, atOnce: 1, withParts: false, say: () => {} })
    assert.deepEqual(
      run.documents.flatMap(({ readings }) => [...readings.values()].map(({ failure }) => failure)),
      [null, null, null, null],
    )
    assert.deepEqual(shortfalls(run, ['repaired']), [])
    const repaired = byAbout(run).find(({ name }) => name === 'repaired')
    assert.ok((repaired?.count ?? 0) >= 6 && repaired?.shares.get('gateway') === 1, JSON.stringify(repaired))
    assert.ok(byType(run).some(({ name }) => name === 'baseline'))
  })
})
