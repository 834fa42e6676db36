import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError } from '../../../gateway/errors.ts'
import type { PageImage, TileImage } from '../../../gateway/page/page.ts'
import { crossCheck } from '../../../gateway/read/cross-check.ts'
import type { CloserLook } from '../../../gateway/read/cross-check.ts'
import { createAgreementLevel } from '../../../gateway/read/evidence/agreement-level.ts'
import { PageFailure } from '../../../gateway/read/guard/page-failure.ts'
import type { PageAnswer } from '../../../gateway/read/page-answer.ts'
import { pageToRead } from '../../support/page-prompt.ts'
import { english } from '../../fixtures/prose.ts'
import { within } from '../../support/within.ts'
import { pageImage } from './scripted-engine.ts'
import { createScriptedReading } from './scripted-reading.ts'

const lines = [
  'The committee met on Monday to consider the accounts of the year.',
  'Revenue rose to 1,234,567.89 while expenses fell by 12.5 percent.',
  'Members asked whether the reserve was sufficient for another winter.',
  'The treasurer answered that it was, provided that rents were paid.',
  'A motion to repair the roof was carried without a single objection.',
  'The librarian reported that several volumes had been returned late.',
]
const whole = lines.join('\n')
const half = lines.slice(0, 3).join('\n')

const image: PageImage = { ...pageImage, textLayer: { text: whole, unmapped: 0, isOcr: false, isWhole: true } }
const tile: TileImage = { ...pageImage, width: 1100, height: 800, above: null, left: null }
const closerImage: PageImage = { ...pageImage, tiles: [[tile], [tile]] }

type Changes = NonNullable<Parameters<typeof pageToRead>[0]> & { readonly image?: PageImage }

/** Asks for one page; the test says what is read. */
function ask({ image: shown = image, ...changes }: Changes = {}, signal = AbortSignal.timeout(5000)) {
  const scripted = createScriptedReading()
  const looks: CloserLook[] = []
  let closerLooks = 0
  const page = pageToRead({
    drawCloser: async () => {
      closerLooks++
      return closerImage
    },
    ...changes,
  })
  const options = { totalTimeoutSeconds: 60, onCloserLook: (look: CloserLook) => looks.push(look) }
  const read = (each: PageImage, own: AbortSignal) => scripted.readImage(page, each, own)
  const answer = within(crossCheck(page, shown, read, options, signal), 5000, 'the answer')
  // A test that awaits it later has it rejected meanwhile.
  answer.catch(() => {})
  return { ...scripted, answer, looks, closerLooks: () => closerLooks }
}

const facts = ({ agreement, attempts, reasons, isFallback }: PageAnswer) => ({
  agreement: agreement === null ? null : Math.round(agreement * 10) / 10,
  attempts,
  reasons,
  isFallback,
})

describe('an answer that is compared with its text layer', () => {
  it('is returned unchanged, with its agreement', async () => {
    const asked = ask()
    const reading = await asked.nextReading()
    reading.answer(`# ${whole}`)
    const answer = await asked.answer
    assert.equal(answer.text, `# ${whole}`)
    assert.deepEqual(facts(answer), { agreement: 1, attempts: 1, reasons: [], isFallback: false })
    assert.equal(asked.readings.length, 1)
  })

  it('is retried with more pixels when much is missing, and the better answer counts', async () => {
    const asked = ask()
    ;(await asked.nextReading()).answer(half, { usage: { promptTokens: 100, completionTokens: 50 } })
    const closer = await asked.nextReading()
    assert.equal(closer.image, closerImage)
    closer.answer(whole, { attempts: 2, reasons: ['loop'] })
    const answer = await asked.answer
    assert.equal(answer.text, whole)
    assert.deepEqual(facts(answer), {
      agreement: 1,
      attempts: 3,
      reasons: ['low_agreement', 'loop'],
      isFallback: false,
    })
    const wasted = { promptTokens: 100, completionTokens: 50 }
    assert.deepEqual(asked.looks, [{ key: '', model: 'lightonai/LightOnOCR-2-1B', outcome: 'better', wasted }])
  })

  it('counts when the closer look finds no more', async () => {
    const asked = ask()
    ;(await asked.nextReading()).answer(half)
    ;(await asked.nextReading()).answer(lines[0]!)
    const answer = await asked.answer
    assert.equal(answer.text, half)
    assert.deepEqual(facts(answer), { agreement: 0.5, attempts: 1, reasons: [], isFallback: false })
    assert.deepEqual(
      asked.looks.map(({ outcome }) => outcome),
      ['no_better'],
    )
  })

  it('counts when the closer look fails, or is cut off', async () => {
    for (const fail of [true, false]) {
      const asked = ask()
      ;(await asked.nextReading()).answer(half)
      const closer = await asked.nextReading()
      if (fail) closer.fail(new GatewayError('engine_error', 'No.'))
      else closer.answer(whole, { finishReason: 'length' })
      assert.equal((await asked.answer).text, half)
      assert.deepEqual(
        asked.looks.map(({ outcome }) => outcome),
        ['failed'],
      )
    }
  })

  const notAsked: readonly { name: string; changes: Changes }[] = [
    { name: 'the request has no retries left', changes: { attemptBudget: { take: () => false } } },
    { name: 'the page was read in tiles already', changes: { image: { ...image, tiles: [[tile]] } } },
    { name: 'the closer image has no more pixels', changes: { drawCloser: async () => pageImage } },
  ]
  for (const { name, changes } of notAsked)
    it(`is not retried when ${name}`, async () => {
      const asked = ask(changes)
      ;(await asked.nextReading()).answer(half)
      assert.equal(facts(await asked.answer).agreement, 0.5)
      assert.equal(asked.readings.length, 1)
    })

  it('takes no retry of the request where there are no more pixels', async () => {
    let taken = 0
    const take = () => ++taken > 0
    const asked = ask({ attemptBudget: { take }, drawCloser: async () => pageImage })
    ;(await asked.nextReading()).answer(half)
    await asked.answer
    assert.equal(taken, 0)
  })

  it('is not retried where the document agrees no better', async () => {
    const level = createAgreementLevel()
    for (const agreement of [0.5, 0.45, 0.55]) level.note(agreement)
    const asked = ask({ level })
    ;(await asked.nextReading()).answer(half)
    await asked.answer
    assert.equal(asked.closerLooks(), 0)
    assert.equal(level.pages, 4)
  })

  const notCompared: readonly { name: string; changes: Changes }[] = [
    { name: 'the page has no layer', changes: { image: pageImage } },
    {
      name: 'the layer is garbage',
      changes: { image: { ...image, textLayer: { ...image.textLayer!, unmapped: 0.5 } } },
    },
    { name: 'the task is another', changes: { task: 'table' } },
    { name: 'the client sent a prompt of its own', changes: { prompt: 'What is the total?' } },
  ]
  for (const { name, changes } of notCompared)
    it(`is not compared when ${name}`, async () => {
      const asked = ask(changes)
      ;(await asked.nextReading()).answer(half)
      assert.equal((await asked.answer).agreement, null)
      assert.equal(asked.readings.length, 1)
    })
})

describe('a page that no attempt has read', () => {
  it('gets its text layer when the answer did not end well', async () => {
    const asked = ask()
    ;(await asked.nextReading()).answer('half', { finishReason: 'length', attempts: 2, reasons: ['loop', 'cut_off'] })
    const answer = await asked.answer
    assert.equal(answer.text, whole)
    assert.equal(answer.finishReason, 'stop')
    assert.deepEqual(facts(answer), { agreement: null, attempts: 2, reasons: ['loop', 'cut_off'], isFallback: true })
  })

  it('gets its text layer when the engine refuses it for good, or no answer counted', async () => {
    for (const [error, reasons] of [
      [new GatewayError('engine_error', 'Too long.', { retry: false }), ['engine_error']],
      [new PageFailure(new GatewayError('engine_error', 'No.'), ['loop', 'engine_error']), ['loop', 'engine_error']],
    ] as const) {
      const asked = ask()
      ;(await asked.nextReading()).fail(error)
      assert.deepEqual(facts(await asked.answer), {
        agreement: null,
        attempts: reasons.length,
        reasons,
        isFallback: true,
      })
    }
  })

  for (const code of ['engine_unavailable', 'engine_error', 'engine_timeout'] as const) {
    it(`fails when the engine fails, because a later request may succeed (${code})`, async () => {
      const asked = ask()
      ;(await asked.nextReading()).fail(new PageFailure(new GatewayError(code, 'Not now.'), [code, code]))
      await assert.rejects(asked.answer, { code })
    })
  }

  it('fails, or keeps its answer, when the layer may not hold all of the page', async () => {
    const partial = { ...image, textLayer: { ...image.textLayer!, isWhole: false } }
    const failing = ask({ image: partial })
    ;(await failing.nextReading()).fail(new GatewayError('engine_error', 'No.'))
    await assert.rejects(failing.answer, { code: 'engine_error' })
    const cut = ask({ image: partial })
    ;(await cut.nextReading()).answer('half', { finishReason: 'length' })
    const { text, finishReason, isFallback } = await cut.answer
    assert.deepEqual([text, finishReason, isFallback], ['half', 'length', false])
  })

  it('is left as it is when the client has left, whatever the engine then fails with', async () => {
    const client = new AbortController()
    const asked = ask({}, client.signal)
    const reading = await asked.nextReading()
    const gone = new Error('gone')
    client.abort(gone)
    reading.fail(new GatewayError('engine_error', 'Too long.', { retry: false }))
    await assert.rejects(asked.answer, (error) => error === gone)
  })

  it('throws what is no failure of the engine', async () => {
    const asked = ask()
    ;(await asked.nextReading()).fail(new TypeError('a mistake'))
    await assert.rejects(asked.answer, TypeError)
  })
})

const INVENTED = 'Whales swim below cold waves, and sailors heard strange music under wooden hulls. '.repeat(2)

describe('an answer that contradicts its text layer, and that the guard did not judge', () => {
  const rich = { ...image, textLayer: { ...image.textLayer!, text: english } }

  it('is replaced by the layer', async () => {
    const asked = ask({ image: rich })
    ;(await asked.nextReading()).answer(INVENTED)
    const { isFallback, reasons, warnings } = await asked.answer
    assert.deepEqual(
      [isFallback, reasons, warnings.map(({ code }) => code)],
      [true, ['low_agreement'], ['text_disagrees']],
    )
  })

  it('is warned of where the page was read in tiles', async () => {
    const asked = ask({ image: { ...rich, tiles: [[tile], [tile]] } })
    ;(await asked.nextReading()).answer(INVENTED)
    const { isFallback, text, warnings } = await asked.answer
    assert.deepEqual([isFallback, text, warnings.map(({ code }) => code)], [false, INVENTED, ['text_disagrees']])
  })

  it("counts after all when the document's other layers turn out to be wrong", async () => {
    const level = createAgreementLevel()
    const asked = ask({ image: rich, level })
    const reading = await asked.nextReading()
    level.note(0.2)
    level.note(0.3)
    reading.answer('Something else.', {
      finishReason: 'low_agreement',
      attempts: 2,
      reasons: ['loop', 'low_agreement'],
    })
    const { isFallback, text, finishReason, reasons } = await asked.answer
    assert.deepEqual([isFallback, text, finishReason, reasons], [false, 'Something else.', 'stop', ['loop']])
  })
})
