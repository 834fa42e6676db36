import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { describe, it } from 'node:test'

/**
 * Who may import whom in gateway/: folders and top-level files by what they may import. Types count. A longer path allows
 * that file alone; `type ` in front allows types alone. docs/architecture.md holds the same table.
 */
const layers: Readonly<Record<string, readonly string[]>> = {
  'errors.ts': [],
  telemetry: ['schedule/tally.ts'],
  config: [],
  wire: [],
  cache: [],
  store: ['errors.ts'],
  access: ['errors.ts', 'store', 'schedule'],
  usage: ['errors.ts', 'store'],
  files: ['errors.ts', 'store', 'document/source.ts'],
  samples: [],
  page: ['errors.ts'],
  schedule: ['errors.ts'],
  profile: ['errors.ts', 'page'],
  tesseract: ['errors.ts'],
  prepare: ['errors.ts', 'page', 'tesseract'],
  rasterizer: ['errors.ts', 'page', 'schedule', 'prepare'],
  document: ['errors.ts', 'page', 'schedule', 'rasterizer'],
  webhook: ['errors.ts', 'telemetry', 'wire', 'store', 'schedule', 'document/download'],
  upstream: ['errors.ts', 'type store', 'page', 'schedule', 'profile', 'wire'],
  engine: ['errors.ts', 'type telemetry/span.ts', 'page', 'schedule', 'profile', 'wire', 'upstream', 'tesseract'],
  read: ['errors.ts', 'telemetry/span.ts', 'page', 'schedule', 'profile', 'cache', 'engine'],
  request: [
    'errors.ts',
    'type telemetry/span.ts',
    'type files',
    'type batch/batch.ts',
    'wire',
    'profile',
    'page',
    'schedule',
    'document/source.ts',
  ],
  ocr: [
    'errors.ts',
    'type access',
    'type usage',
    'wire/openai/ocr-document.ts',
    'request',
    'document',
    'samples',
    'page',
    'schedule',
    'profile',
    'read',
    'telemetry',
  ],
  answer: [
    'errors.ts',
    'usage',
    'wire',
    'type profile',
    'type files',
    'type batch/batch.ts',
    'type batch/store.ts',
    'type webhook',
    'schedule',
    'request',
    'ocr',
  ],
  responses: [
    'errors.ts',
    'type access',
    'telemetry',
    'wire',
    'store',
    'schedule',
    'type profile',
    'type document/source.ts',
    'request',
    'ocr',
    'answer',
  ],
  batch: [
    'errors.ts',
    'access',
    'usage',
    'telemetry',
    'wire',
    'store',
    'type files',
    'files/ids.ts',
    'files/blob-store.ts',
    'schedule',
    'type profile',
    'type upstream',
    'type document/source.ts',
    'request',
    'ocr',
    'answer',
  ],
  status: ['telemetry', 'wire', 'type batch', 'type upstream'],
  http: [
    'errors.ts',
    'access',
    'usage',
    'telemetry',
    'type files',
    'wire',
    'profile',
    'schedule',
    'upstream',
    'request',
    'ocr',
    'answer',
    'responses',
    'status',
    'type batch',
    'type webhook',
  ],
  web: ['type http/context.ts', 'type wire'],
  'app.ts': ['errors.ts', 'http', 'web', 'telemetry', 'type services.ts'],
  wiring: [
    'access',
    'telemetry',
    'type status',
    'usage',
    'config',
    'cache',
    'store',
    'files',
    'request',
    'schedule',
    'profile',
    'rasterizer',
    'document',
    'upstream',
    'engine',
    'read',
    'ocr',
    'samples',
  ],
  'services.ts': [
    'access',
    'telemetry',
    'type usage',
    'config',
    'cache',
    'store',
    'files',
    'request',
    'schedule',
    'profile',
    'rasterizer',
    'document',
    'upstream',
    'engine',
    'read',
    'ocr',
    'responses',
    'batch',
    'status',
    'webhook',
    'wiring',
  ],
  'server.ts': ['config', 'http', 'wiring', 'services.ts', 'app.ts'],
  'main.ts': ['config', 'wiring', 'services.ts', 'server.ts'],
  cli: ['config', 'wire', 'samples', 'rasterizer/media-type.ts', 'wiring', 'services.ts', 'server.ts'],
}

/** Who may know the environment: the process is started here. */
const MAY_READ_ENVIRONMENT = new Set(['main.ts', 'cli'])

interface SourceFile {
  /** Within gateway/: `schedule/slots.ts`. */
  readonly path: string
  readonly text: string
}

const root = new URL('../../', import.meta.url)

const gatewayFiles: readonly SourceFile[] = readdirSync(new URL('gateway/', root), {
  recursive: true,
  encoding: 'utf8',
})
  .filter((path) => /\.tsx?$/.test(path) && !path.endsWith('.d.ts'))
  .map((path) => ({ path, text: readFileSync(new URL(`gateway/${path}`, root), 'utf8') }))

const folderOf = (path: string): string => path.split('/')[0] ?? path

// `import … from`, `export … from`, `import '…'`, `import('…')`, and the entry of a thread: `new URL('./worker.ts', …)`.
const IMPORT =
  /\b(import|export)(\s+type)?\b[^'"();]*?\bfrom\s*['"](\.[^'"]+)['"]|\b(?:import|URL)\s*\(?\s*['"](\.[^'"]+)['"]/g

function importsOf({ path, text }: SourceFile) {
  return [...text.matchAll(IMPORT)].map(([, , type, from, bare]) => ({
    target: posix.normalize(posix.join(posix.dirname(path), from ?? bare ?? '')),
    isType: type !== undefined,
  }))
}

/** Returns one sentence per import that the table does not allow. */
function forbiddenImports(file: SourceFile): string[] {
  const folder = folderOf(file.path)
  const allowed = layers[folder]
  if (allowed === undefined) return [`gateway/${file.path}: ${folder} has no row in the table of layers`]
  return importsOf(file)
    .filter(({ target }) => folderOf(target) !== folder)
    .filter(({ target, isType }) => !allowed.some((entry) => allows(entry, target, isType)))
    .map(
      ({ target }) => `gateway/${file.path} imports ${target}; ${folder} may import ${allowed.join(', ') || 'nothing'}`,
    )
}

function allows(entry: string, target: string, isType: boolean): boolean {
  const name = entry.replace(/^type /, '')
  if (name !== entry && !isType) return false
  return target === name || target.startsWith(`${name}/`)
}

function environmentReads({ path, text }: SourceFile): string[] {
  if (MAY_READ_ENVIRONMENT.has(folderOf(path))) return []
  const found = /\bprocess\s*(?:\?\.|\.|\[\s*['"])\s*env\b|from\s+['"](?:node:)?process['"]/.exec(text)
  return found === null ? [] : [`gateway/${path} reads the environment: ${found[0]}`]
}

describe('the layers of the gateway', () => {
  it('import only what their row of the table names', () => {
    assert.deepEqual(gatewayFiles.flatMap(forbiddenImports), [])
  })

  it('keep what runs in a browser and what runs here apart: they share the types of the wire alone', () => {
    const isApp = (path: string): boolean => path.startsWith('web/app/')
    const crossing = gatewayFiles.flatMap((file) =>
      importsOf(file)
        .filter(({ target }) => isApp(target) !== isApp(file.path))
        .filter(({ target, isType }) => (isApp(file.path) ? !isType || folderOf(target) !== 'wire' : isApp(target)))
        .map(({ target }) => `gateway/${file.path} imports ${target}`),
    )
    assert.deepEqual(crossing, [])
  })

  it('leave the environment to the start of the process', () => {
    // What runs in a browser has none, and shows people code that reads theirs.
    const here = gatewayFiles.filter(({ path }) => !path.startsWith('web/app/'))
    assert.deepEqual(here.flatMap(environmentReads), [])
  })

  it('have a row only if they exist', () => {
    const existing = new Set(gatewayFiles.map(({ path }) => folderOf(path)))
    assert.deepEqual(
      Object.keys(layers).filter((folder) => !existing.has(folder)),
      [],
    )
  })

  it('stand in docs/architecture.md as they are', () => {
    const text = readFileSync(new URL('docs/architecture.md', root), 'utf8')
    const names = (cell = ''): string[] =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name.replace(/\/$/, ''))
    const [section = ''] = text.slice(text.indexOf('## Who may import whom')).split(/\n## /)
    const rows = section
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split('|'))
    const documented = rows.flatMap(([, folders, allowed]) =>
      names(folders).map((folder) => [folder, names(allowed).toSorted()]),
    )
    const tested = Object.entries(layers).map(([folder, allowed]) => [folder, allowed.toSorted()])
    assert.deepEqual(Object.fromEntries(documented), Object.fromEntries(tested))
  })
})

describe('the test of layers', () => {
  const rows: { name: string; path: string; text: string; imports: boolean; environment: boolean }[] = [
    {
      name: 'a value',
      path: 'engine/a.ts',
      text: "import { b } from '../document/b.ts'",
      imports: true,
      environment: false,
    },
    {
      name: 'a type',
      path: 'page/a.ts',
      text: "import type { B } from '../engine/b.ts'",
      imports: true,
      environment: false,
    },
    {
      name: 'several lines',
      path: 'wire/a.ts',
      text: "import {\n  b,\n  type C,\n} from '../cache/b.ts'",
      imports: true,
      environment: false,
    },
    {
      name: 'an export',
      path: 'profile/a.ts',
      text: "export { b } from '../ocr/b.ts'",
      imports: true,
      environment: false,
    },
    { name: 'a bare import', path: 'cache/a.ts', text: "import '../errors.ts'", imports: true, environment: false },
    {
      name: 'a late import',
      path: 'page/a.ts',
      text: "await import('../http/b.ts')",
      imports: true,
      environment: false,
    },
    {
      name: 'the entry of a thread',
      path: 'engine/deep/a.ts',
      text: "new URL('../../document/b.ts', import.meta.url)",
      imports: true,
      environment: false,
    },
    {
      name: 'another file than the one allowed',
      path: 'request/a.ts',
      text: "import { b } from '../document/open.ts'",
      imports: true,
      environment: false,
    },
    {
      name: 'a value where only types are allowed',
      path: 'app.ts',
      text: "import { createServices } from './services.ts'",
      imports: true,
      environment: false,
    },
    { name: 'a folder without a row', path: 'utils/a.ts', text: '', imports: true, environment: false },
    { name: 'process.env', path: 'engine/a.ts', text: 'process.env.A', imports: false, environment: true },
    { name: "process['env']", path: 'server.ts', text: "process['env']", imports: false, environment: true },
    {
      name: 'node:process',
      path: 'config/a.ts',
      text: "import { env } from 'node:process'",
      imports: false,
      environment: true,
    },
    {
      name: 'nothing in what is allowed',
      path: 'app.ts',
      text: "import type { S } from './services.ts'\nimport { h } from './http/h.ts'",
      imports: false,
      environment: false,
    },
    { name: 'nothing in the start', path: 'main.ts', text: 'process.env', imports: false, environment: false },
  ]
  for (const { name, path, text, imports, environment } of rows)
    it(`finds ${name}`, () => {
      assert.equal(forbiddenImports({ path, text }).length > 0, imports)
      assert.equal(environmentReads({ path, text }).length > 0, environment)
    })
})
