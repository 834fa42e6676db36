import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PageResult } from '../../../gateway/ocr/page-event.ts'
import { watchForSample } from '../../../gateway/ocr/page-sample.ts'
import type { AttemptSeen } from '../../../gateway/read/page-to-read.ts'
import { unread } from '../../../gateway/read/page-answer.ts'
import type { OcrRequest } from '../../../gateway/request/ocr-request.ts'
import type { NewSample } from '../../../gateway/samples/keeper.ts'
import { makeRequest } from '../../support/make-request.ts'
import { grayPageImage, pageToRead } from '../../support/page-prompt.ts'

const image = await grayPageImage()
const good: AttemptSeen = { image, reason: null, text: '# Minutes', sampling: {} }
const ok: PageResult = { ...unread('vllm'), status: 'ok', text: 'Minutes', finishReason: 'stop', error: null }

/** Returns the samples that a page is offered as, which ends so after these attempts. */
function offered(result: Partial<PageResult>, attempts = [good], request: Partial<OcrRequest> = {}): NewSample[] {
  const samples: NewSample[] = []
  const keeper = { offer: (sample: NewSample) => void samples.push(sample), close: async () => {} }
  const { page, ended } = watchForSample(pageToRead(), makeRequest(request), keeper)
  for (const attempt of attempts) page.onAttempt?.(attempt)
  ended({ ...ok, ...result })
  return samples
}

describe('a page', () => {
  const values = { isCut: false, cutIn: null, confidences: {}, repaired: [] }
  const verified = {
    model: 'other',
    agreement: 0.95,
    differences: [],
    count: 0,
    error: null,
    usage: { promptTokens: 1, completionTokens: 1 },
  }
  const disagrees = { code: 'text_disagrees', message: '' } as const
  const rows: readonly { name: string; result: Partial<PageResult>; reasons: string[] | null }[] = [
    { name: 'that was read well at once', result: {}, reasons: null },
    { name: 'that agrees with its text layer', result: { agreement: 0.9 }, reasons: null },
    { name: 'without ink', result: { status: 'blank' }, reasons: null },
    { name: 'that is pending', result: { status: 'pending' }, reasons: null },
    { name: 'that was repaired', result: { status: 'repaired' }, reasons: ['repaired'] },
    { name: 'that has failed', result: { status: 'failed' }, reasons: ['failed'] },
    { name: 'that has its text layer for an answer', result: { status: 'fallback' }, reasons: ['fallback'] },
    { name: 'whose layer says otherwise', result: { warnings: [disagrees] }, reasons: ['text_disagrees'] },
    { name: 'that holds less than its layer', result: { agreement: 0.7 }, reasons: ['low_agreement'] },
    { name: 'of which the model is sure', result: { confidence: { mean: 0.9, lowest: 0.1 } }, reasons: null },
    { name: 'of which it is not', result: { confidence: { mean: 0.6, lowest: 0.1 } }, reasons: ['low_confidence'] },
    { name: 'whose values are right', result: { fields: values }, reasons: null },
    {
      name: 'whose values were right the second time',
      result: { fields: { ...values, repaired: ['/iban'] } },
      reasons: ['fields_repaired'],
    },
    {
      name: 'with a value in doubt',
      result: { fields: { ...values, isDoubtful: true } },
      reasons: ['fields_doubtful'],
    },
    { name: 'that a second model reads alike', result: { verify: verified }, reasons: null },
    { name: 'that none could check', result: { verify: { ...verified, agreement: null } }, reasons: null },
    {
      name: 'of which it holds less',
      result: { verify: { ...verified, agreement: 0.7 } },
      reasons: ['models_disagree'],
    },
    {
      name: 'of which it reads a number otherwise',
      result: { verify: { ...verified, differences: [{ kind: 'number', ours: '7', theirs: '1' }] } },
      reasons: ['models_disagree'],
    },
    {
      name: 'of which it has left out a page number',
      result: { verify: { ...verified, differences: [{ kind: 'number', ours: '7', theirs: '' }] } },
      reasons: null,
    },
    { name: 'of two reasons', result: { status: 'repaired', agreement: 0.5 }, reasons: ['repaired', 'low_agreement'] },
  ]
  for (const { name, result, reasons } of rows)
    it(`is ${reasons === null ? 'not ' : ''}kept: one ${name}`, () => {
      assert.deepEqual(
        offered(result).map(({ facts }) => facts.reasons),
        reasons === null ? [] : [reasons],
      )
    })

  it('is not kept when no engine has answered, or none was asked for it', () => {
    assert.deepEqual(offered({ status: 'failed' }, [{ ...good, reason: 'engine_unavailable', text: null }]), [])
    assert.deepEqual(offered({ status: 'repaired' }, []), [])
  })

  it('is not even watched when its request keeps nothing, or nobody keeps samples', () => {
    assert.deepEqual(offered({ status: 'repaired' }, [good], { cache: 'off' }), [])
    const page = pageToRead()
    assert.equal(watchForSample(page, makeRequest(), null).page, page)
  })

  it('says whose text it has: that of another model, which may have seen it whole', async () => {
    const tile = { ...(await grayPageImage()), above: null, left: null }
    const attempts = [{ ...good, image: tile, reason: 'loop' as const }]
    const [sample] = offered({ status: 'repaired', model: 'other', text: 'Minutes' }, attempts)
    assert.deepEqual([sample?.facts.textModel, sample?.facts.model], ['other', makeRequest().model.id])
    assert.equal(sample?.facts.isTiled, true)
    const [own] = offered({ status: 'repaired' }, [good, good])
    assert.deepEqual([own?.facts.textModel, own?.facts.isTiled], [undefined, false])
  })

  it('is kept with each image once, and each attempt with its own', async () => {
    const closer = await grayPageImage()
    const attempts = [
      { ...good, reason: 'loop' as const, text: 'and and' },
      { ...good, image: closer, sampling: { temperature: 0.4 } },
    ]
    const [sample] = offered({ status: 'repaired' }, attempts)
    assert.equal(sample?.images.length, 2)
    assert.deepEqual(
      sample.facts.attempts.map(({ image: place, reason, sampling }) => [place, reason, sampling]),
      [
        [0, 'loop', {}],
        [1, null, { temperature: 0.4 }],
      ],
    )
    assert.deepEqual(sample.facts.images[0]?.bytes, image.data.length)
  })
})
