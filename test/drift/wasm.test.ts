import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { buildWasm, madeOf, originOf, wasmSources } from '../support/build-wasm.ts'

const hasCompiler = existsSync(join(import.meta.dirname, '../support/wasm/node_modules'))

describe('WebAssembly of our own', () => {
  for (const source of wasmSources) {
    it(`was made from ${source}`, () => {
      assert.ok(readFileSync(madeOf(source)).includes(originOf(source)), 'run `npm run wasm`')
    })

    it(
      `is what the compiler makes of ${source}`,
      { skip: !hasCompiler && 'the compiler is not installed' },
      async () => {
        assert.ok(readFileSync(madeOf(source)).equals(await buildWasm(source)), 'run `npm run wasm`')
      },
    )
  }
})
