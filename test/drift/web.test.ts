import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { buildWeb } from '../support/build-web.ts'

const built = join(import.meta.dirname, '../../gateway/web/built')

const filesIn = (folder: string): Map<string, string> =>
  new Map(readdirSync(folder, 'utf8').map((name) => [name, readFileSync(join(folder, name), 'base64')]))

describe('gateway/web/built', () => {
  it('is what `npm run web` makes of gateway/web/app', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'web-'))
    try {
      await buildWeb(folder)
      const [committed, made] = [filesIn(built), filesIn(folder)]
      assert.deepEqual([...committed.keys()].toSorted(), [...made.keys()].toSorted(), 'run `npm run web`')
      const stale = [...made].filter(([name, bytes]) => committed.get(name) !== bytes).map(([name]) => name)
      assert.deepEqual(stale, [], 'run `npm run web`')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('names nothing elsewhere that a browser would load, and holds no source of its own', () => {
    for (const [name, bytes] of filesIn(built)) {
      const text = Buffer.from(bytes, 'base64').toString('latin1')
      if (/\.(?:js|css)$/.test(name)) {
        assert.doesNotMatch(text, /(?:import|from|import\()\s*["']https?:|url\(["']?https?:|sourceMappingURL/, name)
      }
      assert.match(name, /^[\w-]+(?:-[A-Z0-9]{8})?\.(?:js|css|woff2|js\.LEGAL\.txt|css\.LEGAL\.txt)$/, name)
    }
  })
})
