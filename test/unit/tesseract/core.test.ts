import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, it } from 'node:test'
import { chooseCore, detectSimd } from '../../../gateway/tesseract/core.ts'
import type { Simd } from '../../../gateway/tesseract/core.ts'

const require = createRequire(import.meta.url)

describe('the core of Tesseract', () => {
  const rows: { simd: Simd; core: string }[] = [
    { simd: 'relaxed', core: 'tesseract.js-core/tesseract-core-relaxedsimd-lstm' },
    { simd: 'fixed', core: 'tesseract.js-core/tesseract-core-simd-lstm' },
    { simd: 'none', core: 'tesseract.js-core/tesseract-core-lstm' },
  ]
  for (const { simd, core } of rows)
    it(`is the fastest that runs with SIMD: ${simd}`, () => {
      assert.equal(chooseCore(simd), core)
      assert.doesNotThrow(() => require.resolve(core))
    })

  it('finds relaxed SIMD here: Node 24 has it on every CPU with SSE 4.1 or NEON', () => {
    assert.equal(detectSimd(), 'relaxed')
  })
})
