import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse, parseAllDocuments } from 'yaml'
import { variables } from '../../gateway/config/variables.ts'
import { blocksOf, docsBlocks, docsPages, fateOf, isOutput, type DocsBlock } from '../support/docs-blocks.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const pages = docsPages()
const blocks = pages.flatMap(docsBlocks)
const named = ({ page, line }: DocsBlock) => `${page}:${line}`
const written = (...languages: string[]) => blocks.filter(({ language }) => languages.includes(language))

/** Returns what is wrong with blocks, by where they stand. */
function problems(of: readonly DocsBlock[], check: (block: DocsBlock) => unknown): string[] {
  return of.flatMap((block) => {
    try {
      check(block)
      return []
    } catch (error) {
      return [`${named(block)}: ${error instanceof Error ? error.message : String(error)}`]
    }
  })
}

describe('the code of the docs', () => {
  it('says of each block whether it is run, or what it needs: `npm run test:docs` runs them', () => {
    assert.deepEqual(blocks.filter((block) => fateOf(block) === 'forgotten').map(named), [])
    assert.ok(blocks.filter((block) => fateOf(block) === 'run').length >= 30)
  })

  it('is JavaScript and TypeScript that can be parsed', () => {
    // Pieces of a program may end in the middle of it: rag.test.ts puts them together.
    const whole = written('js', 'ts').filter(({ marks }) => !marks.some(({ name }) => name === 'file'))
    assert.deepEqual(
      problems(whole, ({ code }) => stripTypeScriptTypes(code)),
      [],
    )
  })

  it('is shell that can be parsed', () => {
    const check = ({ code }: DocsBlock) => {
      const { status, stderr } = spawnSync('bash', ['-n'], { input: code, encoding: 'utf8' })
      assert.equal(status, 0, stderr)
    }
    assert.deepEqual(problems(written('sh'), check), [])
  })

  it('is JSON and YAML that can be parsed', () => {
    assert.deepEqual(
      problems(written('json'), ({ code }) => JSON.parse(code)),
      [],
    )
    const check = ({ code }: DocsBlock) =>
      assert.deepEqual(
        parseAllDocuments(code).flatMap(({ errors }) => errors),
        [],
      )
    assert.deepEqual(problems(written('yaml'), check), [])
  })

  it('names settings, scripts and profiles that there are', () => {
    const settings = new Set<string>(Object.keys(variables))
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const profiles = read('docker-compose.yml') + read('.env')
    const check = ({ code }: DocsBlock) => {
      for (const [name] of code.matchAll(/\bGATEWAY_[A-Z_]+[A-Z]\b/g)) assert.ok(settings.has(name), name)
      for (const [, name = ''] of code.matchAll(/\bnpm run (?:--silent )?([\w:]+)/g)) assert.ok(name in scripts, name)
      for (const [, name = ''] of code.matchAll(/--profile (\w+)/g)) assert.match(profiles, new RegExp(`\\b${name}\\b`))
    }
    assert.deepEqual(problems(written('sh', 'ini'), check), [])
  })

  it('is named by commands that there are, in the text too', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const missing = pages.flatMap((page) =>
      [...read(page).matchAll(/`npm run (?:--silent )?([\w:]+)/g)]
        .filter(([, name = '']) => !(name in scripts))
        .map(([command]) => `${page}: ${command}`),
    )
    assert.deepEqual(missing, [])
  })

  it('has the configuration of compose that the pages say', () => {
    const compose = parse(read('docker-compose.yml')) as { services: Record<string, unknown> }
    const check = ({ code }: DocsBlock) => {
      for (const [, name = ''] of code.matchAll(/docker compose (?:up|build|logs)(?: --?[\w-]+)* ([a-z]\w*)/g))
        assert.ok(name in compose.services, name)
    }
    assert.deepEqual(problems(written('sh'), check), [])
  })
})

describe('the marks of a block', () => {
  const rows = [
    { name: 'shell that is run', fence: 'sh run', fate: 'run' },
    { name: 'code that says what it prints', fence: 'js prints="page 1"', fate: 'run' },
    { name: 'what runs until it has said something', fence: 'sh until="listens on"', fate: 'run' },
    { name: 'what needs Docker', fence: 'sh needs="docker"', fate: 'skipped' },
    { name: 'what needs something that nobody knows', fence: 'sh needs="luck"', fate: 'forgotten' },
    { name: 'a piece of a program', fence: 'ts file="ingest.ts"', fate: 'checked' },
    { name: 'a fragment', fence: 'js fragment', fate: 'checked' },
    { name: 'data', fence: 'json', fate: 'checked' },
    { name: 'shell without a mark', fence: 'sh', fate: 'forgotten' },
    { name: 'a block without a language', fence: '', fate: 'forgotten' },
    { name: 'a language that nobody knows', fence: 'ruby run', fate: 'forgotten' },
  ]
  for (const { name, fence, fate } of rows)
    it(`decide what becomes of it: ${name}`, () => {
      const [block] = blocksOf('docs/page.md', `# Page\n\n\`\`\`${fence}\nx\n\`\`\`\n`)
      assert.equal(fateOf(block!), fate)
    })

  it('join what comes out to what is run', () => {
    const text = '# A\n\n```sh run\necho a\n```\n\nwrites\n\n```text output\na\n```\n'
    const [block] = blocksOf('docs/page.md', text)
    assert.deepEqual([block?.output, block?.line, block?.heading], ['a', 3, 'A'])
  })

  it('are refused on a block that does not end', () => {
    assert.throws(() => blocksOf('docs/page.md', '```sh run\necho a\n'), /docs\/page.md:1/)
  })
})

describe('what a page says comes out', () => {
  const rows = [
    { name: 'the same text', expected: 'a b', text: 'a b\n', is: true },
    { name: 'the same JSON, set otherwise', expected: '{ "a": 1 }', text: '{"a":1}', is: true },
    { name: 'anything in the middle', expected: 'a … z', text: 'a b c z', is: true },
    { name: 'anything at the end', expected: 'a …', text: 'a b c', is: true },
    { name: 'another end', expected: 'a … z', text: 'a b c', is: false },
    { name: 'another order', expected: '… b … a …', text: 'a b', is: false },
    { name: 'more than it says', expected: 'a', text: 'a b', is: false },
    { name: 'an end that would have to be its beginning, too', expected: 'aba…ba', text: 'aba', is: false },
  ]
  for (const { name, expected, text, is } of rows)
    it(`${is ? 'is' : 'is not'} ${name}`, () => assert.equal(isOutput(expected, text), is))
})
