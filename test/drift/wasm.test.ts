import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { globSync } from 'tinyglobby'

const root = join(import.meta.dirname, '../..')

describe('WebAssembly of our own', () => {
  for (const source of globSync('gateway/**/*.wat', { cwd: root })) {
    it(`${source}: what runs is what \`npm run wasm\` makes of it`, () => {
      const made = readFileSync(join(root, source.replace(/\.wat$/, '.wasm')))
      const hash = createHash('sha256')
        .update(readFileSync(join(root, source)))
        .digest()
      // The last section names the source.
      assert.deepEqual(made.subarray(-hash.length), hash, 'run `npm run wasm`')
    })
  }
})
