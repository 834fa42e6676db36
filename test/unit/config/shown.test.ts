import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadConfig } from '../../../gateway/config/load.ts'
import { shownSettings } from '../../../gateway/config/shown.ts'

const SECRET = 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0'

describe('the settings that the log shows', () => {
  it('are all of them, and hold no secret', () => {
    const { config, problems } = loadConfig({
      GATEWAY_API_KEYS: `one:${SECRET},two:${SECRET}2`,
      GATEWAY_UPSTREAM_API_KEY: SECRET,
      GATEWAY_UPSTREAM_URLS: `http://${SECRET}@vllm:8000/v1,http://other:8000/v1?token=${SECRET}`,
      GATEWAY_REDIS_URL: `redis://user:${SECRET}@redis:6379/1`,
      GATEWAY_CACHE_SALT: SECRET,
      GATEWAY_WEBHOOK_URL: `https://hooks.example.com/in?key=${SECRET}`,
      GATEWAY_WEBHOOK_SECRET: `whsec_${SECRET}`,
      GATEWAY_MODEL_PROFILES: 'served=lighton-ocr-2',
      GATEWAY_LOOKAHEAD: '7',
    })
    assert.deepEqual(problems, [])
    assert.ok(config !== null)
    const shown = shownSettings(config)
    assert.deepEqual(Object.keys(shown), Object.keys(config))
    assert.doesNotMatch(JSON.stringify(shown), /c2Vj/)
    assert.deepEqual(
      {
        keys: shown['GATEWAY_API_KEYS'],
        upstreams: shown['GATEWAY_UPSTREAM_URLS'],
        redis: shown['GATEWAY_REDIS_URL'],
        salt: shown['GATEWAY_CACHE_SALT'],
        key: shown['GATEWAY_UPSTREAM_API_KEY'],
        webhook: [shown['GATEWAY_WEBHOOK_URL'], shown['GATEWAY_WEBHOOK_SECRET']],
        profiles: shown['GATEWAY_MODEL_PROFILES'],
        lookahead: shown['GATEWAY_LOOKAHEAD'],
        unset: shown['GATEWAY_S3_BUCKET'],
      },
      {
        keys: ['one:***', 'two:***'],
        upstreams: ['http://***@vllm:8000/v1', 'http://other:8000/v1?***'],
        redis: 'redis://***:***@redis:6379/1',
        salt: '***',
        key: '***',
        webhook: ['https://hooks.example.com/in?***', ['***']],
        profiles: { served: 'lighton-ocr-2' },
        lookahead: 7,
        unset: null,
      },
    )
  })
})
