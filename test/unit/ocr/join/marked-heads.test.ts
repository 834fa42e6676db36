import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { markedHeads } from '../../../../gateway/ocr/join/marked-heads.ts'
import type { PageResult } from '../../../../gateway/ocr/page-event.ts'
import { blocksInThousandths } from '../../../../gateway/profile/marked-blocks.ts'
import { unread } from '../../../../gateway/read/page-answer.ts'
import { makeRequest } from '../../../support/make-request.ts'
import { imageOnlyProfile, servedModel } from '../../../support/page-prompt.ts'

const text = '![header](10,10,900,40) Annual report\n\n![text](10,60,900,800) The committee met.'
const result: PageResult = { ...unread('vllm'), status: 'repaired', text, width: 100, height: 100, error: null }

describe('the header of a page that another model has read', () => {
  it('is what that model marks', () => {
    const model = servedModel({ ...imageOnlyProfile, findBlocks: blocksInThousandths }, { id: 'other' })
    const question = { model, task: 'layout', prompt: null, confidence: false }
    const routes = { fallback: { id: 'other', question }, isEscalation: false, referee: null, easy: null }
    const request = makeRequest({ model: servedModel(), task: 'layout', headers: 'separate', routes })
    assert.equal(markedHeads(result, request), null)
    const heads = markedHeads({ ...result, model: 'other' }, request)
    assert.deepEqual(heads, {
      text: '![text](10,60,900,800) The committee met.',
      header: 'Annual report',
      footer: null,
    })
  })
})
