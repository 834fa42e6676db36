import assert from 'node:assert/strict'
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { attemptReasons } from '../../gateway/read/page-answer.ts'
import { errorCatalogue } from '../../gateway/errors.ts'
import { openApiDocument } from '../../gateway/http/openapi/document.ts'
import { chatOcrOptions } from '../../gateway/wire/openai/ocr-options.ts'
import { generatedPages } from '../support/write-docs.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const markdownFiles = globSync(['*.md', 'docs/**/*.md', 'vllm/**/*.md', 'test/**/*.md'], {
  cwd: root,
  // The packages of the site, and the compiler.
  exclude: ['docs/site/**', '**/node_modules/**'],
}).toSorted()

/** The text between a heading and the next one of its level or above. */
function section(markdown: string, heading: string): string {
  const start = markdown.indexOf(`\n${heading}\n`)
  assert.notEqual(start, -1, `there is no section "${heading}"`)
  const level = /^#+/.exec(heading)?.[0].length ?? 0
  const rest = markdown.slice(start + heading.length + 2)
  const end = rest.search(new RegExp(`^#{1,${level}} `, 'm'))
  return end === -1 ? rest : rest.slice(0, end)
}

describe('generated pages', () => {
  for (const [path, write] of Object.entries(generatedPages))
    it(`are fresh: ${path}`, () => {
      assert.equal(read(path), write(), 'run `npm run docs`')
    })
})

describe('docs/errors.md', () => {
  const page = read('docs/errors.md')
  const headings = [...page.matchAll(/^### `(\w+)`$/gm)].map(([, code = '']) => code)

  it('has one section for each error code, and none for anything else', () => {
    assert.deepEqual(headings.toSorted(), Object.keys(errorCatalogue).toSorted())
  })

  for (const [code, { status, retry }] of Object.entries(errorCatalogue))
    it(`says the status of ${code}, and whether to try again`, () => {
      const text = section(page, `### \`${code}\``)
      assert.match(text, new RegExp(`^\\n${status} · ${retry ? 'try again' : 'do not try again'}`))
    })
})

describe('docs/api.md', () => {
  const page = read('docs/api.md')

  it('names every path of /openapi.json, and no other', () => {
    const { paths } = openApiDocument('1.0.0')
    const described = Object.entries(paths)
      // Those that stand there without /v1, too, are named once.
      .filter(([path]) => !/^\/(?:files|uploads)\b/.test(path))
      .flatMap(([path, item]) => Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`))
    const documented = [...section(page, '## Endpoints').matchAll(/^\| `([A-Z]+ \/[^`]*)`/gm)].map(
      ([, route = '']) => route,
    )
    assert.ok(described.length > 30)
    assert.deepEqual(documented.toSorted(), described.toSorted())
  })

  it('names every option of the `ocr` object, and no other', () => {
    const documented = [...section(page, '## The `ocr` object of a request').matchAll(/^\| `(\w+)`/gm)].map(
      ([, option = '']) => option,
    )
    assert.deepEqual(documented.toSorted(), Object.keys(chatOcrOptions.shape).toSorted())
  })

  it('names every way to prepare a page, and no other', () => {
    const documented = [...section(page, '### Preparation').matchAll(/^\| `(\w+): /gm)].map(([, option = '']) => option)
    assert.deepEqual(documented.toSorted(), Object.keys(chatOcrOptions.shape.prepare.unwrap().shape).toSorted())
  })

  it('names every reason why an attempt did not count, and no other', () => {
    const [, table = ''] = /^\| reason .*\n((?:\|.*\n)+)/m.exec(section(page, '### The ledger')) ?? []
    const cells = table.split('\n').map((row) => row.split('|')[1] ?? '')
    const documented = cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, reason = '']) => reason))
    assert.deepEqual(documented.toSorted(), attemptReasons.toSorted())
  })
})

describe('the docs', () => {
  it('are all linked from their index', () => {
    const index = read('docs/README.md')
    const pages = markdownFiles.filter((path) => path.startsWith('docs/') && path !== 'docs/README.md')
    assert.deepEqual(
      pages.filter((path) => !index.includes(`(${path.slice('docs/'.length)})`)),
      [],
    )
  })

  for (const path of markdownFiles)
    it(`link only to files and headings that exist: ${path}`, () => {
      assert.deepEqual(brokenLinks(path), [])
    })

  for (const path of markdownFiles)
    it(`name only files and folders that exist: ${path}`, () => {
      assert.deepEqual(missingPaths(path, read(path)), [])
    })

  it('begin with a README of at most 80 lines', () => {
    assert.ok(read('README.md').trimEnd().split('\n').length <= 80)
  })
})

function brokenLinks(path: string): string[] {
  // Code may hold what looks like a link.
  const prose = read(path)
    .replaceAll(/^```[^]*?^```/gm, '')
    .replaceAll(/`[^`\n]*`/g, '')
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
  return links.filter((link) => !/^https?:/.test(link) && !resolves(path, link))
}

/** Without placeholders: `test/unit/profile/models/<family>.test.ts` has one. */
const PLAIN = /^\w[\w./-]*$/
const FILE_OR_FOLDER = /(?:\/|\.(?:ts|md|json|ya?ml))$/
const topFolders = ['.', 'gateway'].flatMap((folder) =>
  readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `${name}/`),
)

/** Returns the paths in a page's code that lead nowhere: not from the root, not from gateway/, not from the page itself. */
function missingPaths(page: string, markdown: string): string[] {
  const prose = markdown.replaceAll(/^```[^]*?^```/gm, '')
  const words = [...prose.matchAll(/`([^`\n]+)`/g)].flatMap(([, code = '']) => code.split(/\s+/))
  return words
    .filter((word) => PLAIN.test(word))
    .filter((word) => FILE_OR_FOLDER.test(word) || topFolders.some((folder) => word.startsWith(folder)))
    .filter((path) => !['', 'gateway', dirname(page)].some((base) => existsSync(join(root, base, path))))
}

describe('the test of paths', () => {
  const rows = [
    { name: 'a file from gateway/', code: 'http/read-json.ts', missing: false },
    { name: 'a file from the root', code: 'gateway/Dockerfile', missing: false },
    { name: 'a page beside the page', code: 'errors.md', missing: false },
    { name: 'a folder', code: 'profile/clean/', missing: false },
    { name: 'a command', code: 'node test/run.ts --only unit', missing: false },
    { name: 'a placeholder', code: 'gateway/profile/models/<family>.ts', missing: false },
    { name: 'a route', code: '/v1/models', missing: false },
    { name: 'a media type', code: 'application/pdf', missing: false },
    { name: 'a file without its folder', code: 'read-json.ts', missing: true },
    { name: 'a file that is gone', code: 'http/gone.ts', missing: true },
    { name: 'a folder that is gone', code: 'engine/gone/', missing: true },
    { name: 'a file without an ending that is gone', code: 'gateway/Gonefile', missing: true },
    { name: 'a file that is gone, in a command', code: 'node test/gone.ts --port 8000', missing: true },
  ]
  for (const { name, code, missing } of rows)
    it(`${missing ? 'finds' : 'passes'} ${name}`, () => {
      assert.equal(missingPaths('docs/page.md', `Text with \`${code}\` in it.`).length > 0, missing)
    })
})

function resolves(path: string, link: string): boolean {
  const [file = '', anchor] = link.split('#')
  const target = file === '' ? path : join(dirname(path), file)
  if (!existsSync(join(root, target))) return false
  return anchor === undefined || anchorsOf(read(target)).includes(anchor)
}

/** Anchors as GitHub makes them of headings. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  )
}
