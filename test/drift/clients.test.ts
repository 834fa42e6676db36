import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { clientSnippets } from '../support/client-snippets.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

describe('docs/clients.md', () => {
  it('has no JavaScript and no curl that no test runs', () => {
    const tests = globSync('test/service/clients/*.test.ts', { cwd: root }).map(read).join('\n')
    const run = new Set([...tests.matchAll(/runSnippets\('([^']+)'\)/g)].map(([, client = '']) => client))
    const clients = new Set([...clientSnippets('js'), ...clientSnippets('sh')].map(({ client }) => client))
    assert.deepEqual([...clients].toSorted(), [...run].toSorted())
    assert.ok(clients.size >= 5)
  })

  it('has code in no language that is not run, but settings', () => {
    const languages = [...read('docs/clients.md').matchAll(/^```(\w+)/gm)].map(([, language = '']) => language)
    assert.deepEqual(new Set(languages), new Set(['sh', 'js', 'python', 'yaml', 'ini']))
  })

  it('says the same address and key everywhere in what is run', () => {
    for (const { code } of ['js', 'sh', 'python'].flatMap(clientSnippets)) {
      assert.match(code, /http:\/\/127\.0\.0\.1:(?:8080|4000)(?:\/v1)?\b/)
      assert.match(code, /my-key|sk-proxy/)
    }
  })
})
