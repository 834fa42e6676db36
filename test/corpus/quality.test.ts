import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readCorpusTruth } from '../quality/corpus.ts'
import { createPageDrawer } from '../quality/draw-pages.ts'
import { runScripted } from '../quality/runs.ts'
import { factTypes } from '../quality/score/facts.ts'
import { judge } from '../quality/score/judge.ts'
import { expectedGains } from '../quality/sides.ts'
import { byAbout, byType, shortfalls } from '../quality/tally.ts'

const documents = readCorpusTruth()

describe('the quality of what is known', { timeout: 200_000 }, () => {
  it('is judged by facts of every type, none of which is lost', () => {
    const facts = documents.flatMap((document) => document.facts)
    for (const type of factTypes)
      assert.ok(
        facts.some((fact) => fact.type === type),
        type,
      )
    const stated = facts.filter(({ id, about }) => about === undefined && !id.endsWith('_baseline'))
    // The lines of olmocr-bench/, and those of orbit-bench/ that are verified.
    assert.equal(stated.length, 59 + 54)
  })

  it('is right for answers that are made of the facts, but for running lines', () => {
    const wrong = documents.flatMap(({ name, facts, answers, pages }) =>
      answers === null || pages > 1
        ? []
        : facts
            .filter((fact) => fact.type !== 'absent' && fact.type !== 'baseline')
            .filter((fact) => !judge(fact, answers[0] ?? '').passed)
            .map(({ id }) => `${name}: ${id}`),
    )
    assert.deepEqual(wrong, [])
  })

  it('is not worse with the gateway than without, and better where answers were wrong', async () => {
    const some = documents.filter(({ name }) => /stitch|orbit-en|olmocr-bench\/olmocr-(?:e|m)/.test(name))
    await using drawer = createPageDrawer(2)
    const options = { drawer, maxPages: 4, atOnce: 2, withParts: false, say: () => {} }
    const run = await runScripted(some, options)
    assert.ok(byType(run).length >= 5)
    assert.deepEqual(
      shortfalls(
        run,
        expectedGains().filter((what) => what !== 'tables'),
      ),
      [],
    )
    assert.ok(byAbout(run).some(({ name, difference }) => name === 'repaired' && difference > 0))
  })
})
