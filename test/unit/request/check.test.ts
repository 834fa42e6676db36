import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError } from '../../../gateway/errors.ts'
import { check } from '../../../gateway/request/check.ts'
import { ocrOptions } from '../../../gateway/wire/openai/ocr-options.ts'

const wrongOptions: readonly { name: string; given: unknown; param: string; message: string }[] = [
  {
    name: 'one thing or another: what each is',
    given: { join: 'yes' },
    param: 'ocr.join',
    message: 'ocr.join: Invalid input: expected boolean or object.',
  },
  {
    name: 'a number or one of some words',
    given: { min_confidence: 'sure' },
    param: 'ocr.min_confidence',
    message: 'ocr.min_confidence: Invalid input: expected "high" or "ordinary" or number.',
  },
  {
    name: 'within one of the two: the field there',
    given: { join: { tables: 'x' } },
    param: 'ocr.join.tables',
    message: 'ocr.join.tables: Invalid input: expected boolean, received string.',
  },
  {
    name: 'an unknown option within one of the two: those that there are',
    given: { join: { lists: true } },
    param: 'ocr.join.lists',
    message: 'Unknown option "ocr.join.lists". The options are: paragraphs, tables.',
  },
]

describe('what is said of an option that may be', () => {
  for (const { name, given, param, message } of wrongOptions) {
    it(name, () => {
      assert.throws(
        () => check(ocrOptions, given, 'ocr'),
        (error) => {
          assert.ok(error instanceof GatewayError)
          assert.deepEqual([error.message, error.param], [message, param])
          return true
        },
      )
    })
  }
})
