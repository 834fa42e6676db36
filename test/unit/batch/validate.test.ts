import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { validate, type ValidationServices } from '../../../gateway/batch/validate.ts'
import { GatewayError } from '../../../gateway/errors.ts'
import { makeCaller } from '../../support/make-caller.ts'
import { makeBatch } from './make-batch.ts'

describe('the input of a batch', () => {
  it('is closed where its index cannot be begun', async () => {
    const stream = Readable.from([Buffer.from('{}\n')])
    const services = {
      files: { find: async () => ({}), open: async () => ({ blob: { stream: () => stream } }) },
      blobs: {
        async write() {
          throw new GatewayError('storage_full', 'The disk is full.')
        },
      },
      findModel: async () => ({}),
      access: { owner: async () => makeCaller() },
    } as unknown as ValidationServices
    await assert.rejects(validate(makeBatch(), services, new AbortController().signal), /full/)
    assert.ok(stream.destroyed)
  })
})
