// What `npm test` runs: everything that needs no GPU and no documents but the project's own. It brings what it needs or
// says what is missing; it skips nothing. `--only unit,contract,drift` runs some of it, and `--only corpus` is
// `npm run test:corpus`: what rests on the real documents beside the project.
import { spawnSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { findChromium } from './support/find-chromium.ts'

const root = join(import.meta.dirname, '..')
const ownSuites = ['unit', 'contract', 'service', 'drift']
const allSuites = [...ownSuites, 'corpus']
/** Two cores are what CI has. A third would keep them busy while others wait, and tests of times would fail now and then. */
const CONCURRENCY = 2
/** A test that hangs fails, with its name, well before CI gives up on the whole run. */
const TEST_TIMEOUT_MS = 240_000

function main(): number {
  try {
    const suites = readSuites()
    if (suites.includes('corpus')) requireCorpus()
    if (suites.includes('service')) [redis, chromium].forEach(requireProgram)
    return runTests(suites.flatMap(findTests))
  } catch (error) {
    process.stderr.write(`test/run.ts: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}

function readSuites(): string[] {
  const { values } = parseArgs({ options: { only: { type: 'string' } } })
  const suites = values.only?.split(',') ?? ownSuites
  const unknown = suites.filter((suite) => !allSuites.includes(suite))
  if (unknown.length > 0) throw new Error(`--only takes some of ${allSuites.join(',')}, not ${unknown.join(',')}`)
  return suites
}

function findTests(suite: string): string[] {
  const files = globSync(`test/${suite}/**/*.test.ts`, { cwd: root }).toSorted()
  if (files.length === 0)
    throw new Error(`there is no test in test/${suite}: a suite that is asked for must not be empty`)
  return files
}

function requireCorpus(): void {
  const corpus = join(root, '..', 'shared', 'corpus')
  const missing = ['public/manifest.json', 'truth/manifest.json'].filter((path) => !existsSync(join(corpus, path)))
  if (missing.length === 0) return
  throw new Error(
    `the corpus tests need the real documents at ../shared/corpus, beside the project: ${corpus} lacks ${missing.join(' and ')}. ` +
      '`npm test` does without.',
  )
}

/** A program that the service tests need beside Node: how it is looked for, and how it is installed. */
interface Program {
  readonly name: string
  readonly what: string
  readonly isThere: () => boolean
  /** Debian's package. */
  readonly debian: string
  readonly elsewhere: string
}

const redis: Program = {
  name: 'redis-server',
  what: 'a real one',
  isThere: () => isInstalled('redis-server'),
  debian: 'redis-server',
  elsewhere: 'macOS: brew install redis',
}

const chromium: Program = {
  name: 'Chromium',
  what: 'a real browser',
  isThere: () => findChromium() !== null,
  debian: 'chromium',
  elsewhere: 'elsewhere: any Chromium or Chrome, with CHROMIUM_PATH naming it',
}

function requireProgram({ name, what, isThere, debian, elsewhere }: Program): void {
  if (isThere()) return
  const isDebian = existsSync('/etc/debian_version') && isInstalled('apt-get', ['--version'])
  if (!isDebian || process.getuid?.() !== 0) {
    throw new Error(
      `${name} is missing: the service tests need ${what}. Install it (Debian: apt-get install ${debian}; ` +
        `${elsewhere}) or run the tests as root on Debian, where they install it themselves.`,
    )
  }
  process.stdout.write(`test/run.ts: ${name} is missing; installing it with apt-get\n`)
  apt(debian, 'update')
  apt(debian, 'install', '--yes', '--no-install-recommends', debian)
  if (!isThere()) throw new Error(`apt-get has installed ${debian}, but it does not run`)
}

function isInstalled(command: string, args: readonly string[] = ['--version']): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

function apt(installed: string, ...args: string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const { status } = spawnSync('apt-get', ['--quiet', ...args], { stdio: 'inherit', env })
  if (status !== 0)
    throw new Error(`apt-get ${args[0]} failed with ${status}: install ${installed} by hand and run again`)
}

function runTests(files: readonly string[]): number {
  const options = [`--test-concurrency=${CONCURRENCY}`, `--test-timeout=${TEST_TIMEOUT_MS}`, '--test-reporter=spec']
  const { status, signal, error } = spawnSync(process.execPath, ['--test', ...options, ...files], {
    cwd: root,
    stdio: 'inherit',
    // Hundreds of processes load the same code: half of the time that each takes to start.
    env: { ...process.env, NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compile') },
  })
  if (error !== undefined) throw error
  if (signal !== null) throw new Error(`the test runner was ended by ${signal}`)
  return status ?? 1
}

process.exitCode = main()
