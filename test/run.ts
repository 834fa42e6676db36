// What `npm test` runs: everything that needs no GPU and no documents but the project's own. It brings what it needs or
// says what is missing; it skips nothing. `--only unit,contract,drift` runs some of it, and `--only corpus` is
// `npm run test:corpus`: what rests on the real documents beside the project.
import { spawnSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const root = join(import.meta.dirname, '..')
const ownSuites = ['unit', 'contract', 'service', 'drift']
const allSuites = [...ownSuites, 'corpus']
/** Two cores are what CI has. */
const CONCURRENCY = 2
/** A test that hangs fails, with its name, well before CI gives up on the whole run. */
const TEST_TIMEOUT_MS = 240_000

process.exitCode = main()

function main(): number {
  try {
    const suites = readSuites()
    if (suites.includes('corpus')) requireCorpus()
    if (suites.includes('service')) requireRedis()
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

function requireRedis(): void {
  if (isInstalled('redis-server')) return
  const isDebian = existsSync('/etc/debian_version') && isInstalled('apt-get', ['--version'])
  if (!isDebian || process.getuid?.() !== 0) {
    throw new Error(
      'redis-server is missing: the service tests need a real one. Install it (Debian: apt-get install redis-server; ' +
        'macOS: brew install redis) or run the tests as root on Debian, where they install it themselves.',
    )
  }
  process.stdout.write('test/run.ts: redis-server is missing; installing it with apt-get\n')
  apt('update')
  apt('install', '--yes', '--no-install-recommends', 'redis-server')
  if (!isInstalled('redis-server')) throw new Error('apt-get has installed redis-server, but it does not run')
}

function isInstalled(command: string, args: readonly string[] = ['--version']): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

function apt(...args: string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const { status } = spawnSync('apt-get', ['--quiet', ...args], { stdio: 'inherit', env })
  if (status !== 0)
    throw new Error(`apt-get ${args[0]} failed with ${status}: install redis-server by hand and run again`)
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
