import { access, mkdtemp, rmdir, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { loadConfig, type Config } from '../config/load.ts'
import { configurationProblems } from '../services.ts'
import { checkEngines, checkGateway } from './check-engines.ts'
import { checkRedis, type Finding } from './check-redis.ts'
import { fileTrouble } from './input.ts'
import type { AskOptions } from './models.ts'
import type { Surroundings } from './run-reading.ts'
import { EXIT, printable } from './say.ts'

const GIBIBYTE = 1024 ** 3
const LITTLE_ROOM = 2 * GIBIBYTE

/** `ocr doctor`: looks at everything that a gateway with these settings needs, and says what to do. */
export async function doctorCommand({ baseUrl, json }: AskOptions, { env }: Surroundings): Promise<number> {
  const findings = [checkNode()]
  const { config, problems, warnings } = loadConfig(env)
  findings.push(...checkSettings(config, problems, warnings))
  if (config !== null) {
    findings.push(await checkDataDir(config.GATEWAY_DATA_DIR))
    if (config.GATEWAY_REDIS_URL !== null) findings.push(...(await checkRedis(config.GATEWAY_REDIS_URL)))
    findings.push(...(await checkEngines(config)))
  }
  const address = baseUrl ?? (env['OPENAI_BASE_URL'] || undefined)
  if (address !== undefined) findings.push(...(await checkGateway(address, env)))
  process.stdout.write(json === true ? `${JSON.stringify(findings)}\n` : findings.map(written).join(''))
  return findings.some(({ state }) => state === 'broken') ? EXIT.failed : EXIT.ok
}

const MARKS = { good: '✓', note: '!', broken: '✗' }

function written({ what, state, text, todo }: Finding): string {
  const advice = todo === undefined ? '' : `\n  → ${printable(todo)}`
  return `${MARKS[state]} ${what}: ${printable(text)}${advice}\n`
}

function checkNode(): Finding {
  const { version, execPath } = process
  return { what: 'Node', state: 'good', text: `${version} at ${execPath}` }
}

function checkSettings(config: Config | null, problems: readonly string[], warnings: readonly string[]): Finding[] {
  const broken = config === null ? problems : configurationProblems(config)
  const todo = 'docs/configuration.md says what each setting takes'
  if (broken.length > 0) return broken.map((text) => ({ what: 'Settings', state: 'broken', text, todo }))
  if (warnings.length > 0) return warnings.map((text) => ({ what: 'Settings', state: 'note', text }))
  return [{ what: 'Settings', state: 'good', text: 'valid' }]
}

async function checkDataDir(dataDir: string): Promise<Finding> {
  const path = resolve(dataDir)
  const what = 'Data folder'
  try {
    // It is made when it is first needed.
    const existing = await nearest(path)
    // Its mode alone does not tell: not of a file system that takes no folders, nor to root.
    await rmdir(await mkdtemp(join(existing, '.ocr-doctor-')))
    const { bavail, bsize } = await statfs(existing)
    const free = bavail * bsize
    const text = `${path} can be written, with ${(free / GIBIBYTE).toFixed(1)} GiB free`
    if (free > LITTLE_ROOM) return { what, state: 'good', text }
    return { what, state: 'note', text, todo: 'make room, or set GATEWAY_DATA_DIR to a folder on a larger disk' }
  } catch (error) {
    const todo = 'set GATEWAY_DATA_DIR to a folder that this user can write'
    return { what, state: 'broken', text: `${path} cannot be written: ${fileTrouble(error)}`, todo }
  }
}

async function nearest(path: string): Promise<string> {
  try {
    await access(path)
    return path
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error
    return nearest(dirname(path))
  }
}
