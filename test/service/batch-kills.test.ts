import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runBatchThroughKills } from '../support/batch-kills.ts'

describe('a batch whose gateways and Redis are killed', () => {
  it('answers every request once, and asks for no page again that was kept', async (t) => {
    const seed = Number(process.env['BATCH_SEED'] ?? 12)
    const outcome = await runBatchThroughKills({
      requests: 120,
      seed,
      gateways: 2,
      kills: 2,
      pageMs: 400,
      timeoutMs: 100_000,
      onEvent: (event) => t.diagnostic(event),
    })
    const { problems, pages, asked, inFlight, status, counts, seconds } = outcome
    t.diagnostic(
      `${pages} pages, ${asked} asked, ${inFlight} in flight at ${outcome.kills} kills, ${seconds.toFixed(1)} s`,
    )
    assert.deepEqual(problems, [])
    assert.equal(status, 'completed')
    assert.equal((counts?.completed ?? 0) + (counts?.failed ?? 0), 120)
    assert.ok(
      asked <= pages + inFlight,
      `${asked} pages were asked for; there are ${pages}, and ${inFlight} were in flight`,
    )
  })
})
