import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { buildPixels, originOfPixels } from '../support/build-pixels.ts'

const committed = readFileSync(join(import.meta.dirname, '../../gateway/prepare/pixels.wasm'))
const hasCompiler = existsSync(join(import.meta.dirname, '../support/wasm/node_modules'))

describe('gateway/prepare/pixels.wasm', () => {
  it('was made from the source beside it', () => {
    assert.ok(committed.includes(originOfPixels()), 'run `npm run wasm`')
  })

  it('is what the compiler makes', { skip: !hasCompiler && 'the compiler is not installed' }, async () => {
    assert.ok(committed.equals(await buildPixels()), 'run `npm run wasm`')
  })
})
