import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { unitedErrorBody } from '../../gateway/wire/mistral/errors.ts'
import { errorBody } from '../../gateway/wire/openai/errors.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

describe('an error of an endpoint that Mistral’s clients use', () => {
  let gateway: TestGateway
  before(async () => {
    gateway = await startTestGateway()
  })
  after(() => gateway.stop())

  for (const path of ['/v1/ocr', '/ocr', '/v1/files/none/nothing', '/files/a/b/c', '/v1/uploads/a/b', '/process/a']) {
    it(`has OpenAI's form and Mistral's at once: ${path}`, async () => {
      const response = await fetch(`${gateway.url}${path}`, { method: 'PATCH', body: '{}' })
      const { error, detail, object: _, ...top } = unitedErrorBody.parse(await response.json())
      assert.deepEqual([top, detail, response.status], [error, error.message, 404])
    })
  }

  it('has OpenAI’s form alone elsewhere', async () => {
    const response = await fetch(`${gateway.url}/v1/ocrs`)
    assert.equal(errorBody.parse(await response.json()).error.code, 'not_found')
  })
})
