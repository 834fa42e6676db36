import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ocrObject } from '../../../gateway/answer/ocr-object.ts'
import { GatewayError } from '../../../gateway/errors.ts'
import { ocrObject as schema } from '../../../gateway/wire/openai/ocr-object.ts'
import { makeRequest } from '../../support/make-request.ts'
import { ledgerOf, ledgerPage } from './told.ts'

const request = makeRequest({ task: 'table' })
const facts = { sha256: 'ab', mediaType: 'application/pdf', pages: 2, name: null }

describe('the ocr object of a response', () => {
  it('has a line for each page, without empty fields', () => {
    const written = JSON.stringify(ocrObject(ledgerOf([ledgerPage(1, 0, 3)]), request))
    assert.deepEqual(schema.parse(JSON.parse(written)), {
      document: { sha256: 'ab', media_type: 'application/pdf', pages: 2 },
      task: 'table',
      pages: [
        {
          page: 1,
          status: 'ok',
          cache: 'miss',
          attempts: 1,
          engine: 'vllm',
          model: 'some-ocr',
          rasterizer: 'pdfium',
          finish_reason: 'stop',
          width: 1088,
          height: 1540,
          prompt_tokens: 100,
          completion_tokens: 10,
          start: 0,
          end: 3,
        },
      ],
    })
  })

  it('says why attempts did not count, how certain the text is, and what failed', () => {
    const warnings = [{ code: 'image_small' as const, message: 'Scan it larger.' }]
    const page = ledgerPage(1, 0, 3, {
      reasons: ['loop'],
      agreement: 0.87654,
      confidence: { mean: 0.99996, lowest: 0.12345 },
      warnings,
      error: new GatewayError('engine_error', 'It broke off.', { cause: 'for the log alone' }),
    })
    const [line] = schema.parse(ocrObject(ledgerOf([page]), request)).pages
    assert.deepEqual(line?.reasons, ['loop'])
    assert.deepEqual([line?.agreement, line?.confidence], [0.877, { mean: 1, lowest: 0.123 }])
    assert.deepEqual(line?.warnings, warnings)
    assert.deepEqual(line?.error, { code: 'engine_error', message: 'It broke off.' })
  })

  it('says which page belongs to which of several documents', () => {
    const pages = [ledgerPage(1, 0, 3), ledgerPage(2, 4, 7, { document: 2, documentPage: 1 })]
    const object = schema.parse(
      ocrObject(ledgerOf(pages, { documents: [facts, { ...facts, name: 'a.pdf' }] }), request),
    )
    assert.deepEqual(
      object.documents?.map(({ name }) => name),
      [undefined, 'a.pdf'],
    )
    assert.deepEqual(
      object.pages.map(({ document, document_page }) => [document, document_page]),
      [
        [1, 1],
        [2, 1],
      ],
    )
  })

  it('tells what a dry run found', () => {
    const dryRun = {
      pages: 7,
      cachedPages: 1,
      blankPages: [2],
      repeatedPages: [{ page: 4, sameAs: 3 }],
      unreadablePages: [{ page: 5, code: 'page_too_large' as const }],
      pendingPages: [7],
      pagesToRead: 3,
      expected: { promptTokens: 300, completionTokens: 30, seconds: null, measuredPages: 0 },
    }
    const warnings = [{ code: 'prompt_not_used' as const, message: 'The text was not sent.' }]
    const object = schema.parse(ocrObject(ledgerOf([], { dryRun, warnings }), request))
    assert.deepEqual(object.dry_run, {
      pages: 7,
      cached_pages: 1,
      blank_pages: [2],
      repeated_pages: [{ page: 4, same_as: 3 }],
      unreadable_pages: [{ page: 5, code: 'page_too_large' }],
      pending_pages: [7],
      pages_to_read: 3,
      expected: { prompt_tokens: 300, completion_tokens: 30, seconds: null, measured_pages: 0 },
    })
    assert.deepEqual(object.warnings, warnings)
  })
})
