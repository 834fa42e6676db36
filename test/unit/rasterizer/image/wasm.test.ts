import assert from 'node:assert/strict'
import { it } from 'node:test'
import { compileWasm, instantiateWithin } from '../../../../gateway/rasterizer/image/wasm.ts'

/** `(module (memory (export "m") 1))`: a page of 64 KiB that may grow without end. */
const growing = Buffer.from('0061736d010000000503010001070501016d0200', 'hex')

it("a decoder's memory grows up to its bound and never beyond", async () => {
  const { exports } = instantiateWithin(await compileWasm(growing), {}, 3 * 65_536)
  const memory = exports['m'] as { readonly buffer: ArrayBuffer; grow(pages: number): number }
  assert.equal(memory.grow(2), 1)
  assert.throws(() => memory.grow(1), RangeError)
  assert.equal(memory.buffer.byteLength, 3 * 65_536)
})
