import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Histogram, Registry } from 'prom-client'
import { createCountedHistogram } from '../../../gateway/telemetry/counted-histogram.ts'

it("a histogram that takes many equal values at once says what prom-client's own says of them one by one", async () => {
  const [ours, theirs] = [new Registry(), new Registry()]
  const facts = {
    name: 'page_seconds',
    help: 'Seconds of pages.',
    labelNames: ['lane', 'cache'] as const,
    buckets: [0.25, 1, 8],
  }
  const counted = createCountedHistogram({ ...facts, registers: [ours] })
  const own = new Histogram({ ...facts, registers: [theirs] })
  assert.equal(await ours.metrics(), await theirs.metrics())
  for (const [lane, cache, value, times] of [
    ['interactive', 'hit', 0.125, 100],
    ['batch', 'hit', 0.25, 1],
    ['interactive', 'miss', 4, 3],
    ['interactive', 'hit', 16, 2],
  ] as const) {
    counted.observe({ lane, cache }, value, times)
    for (let time = 0; time < times; time++) own.observe({ lane, cache }, value)
  }
  assert.equal(await ours.metrics(), await theirs.metrics())
})
