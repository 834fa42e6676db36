import { loadConfig, type Config } from '../config/load.ts'
import { configurationProblems } from '../services.ts'
import type { Finding } from '../wiring/finding.ts'
import { checkMachine } from '../wiring/machine.ts'
import { checkEngines, checkGateway } from './check-engines.ts'
import { checkRedis } from './check-redis.ts'
import type { AskOptions } from './models.ts'
import type { Surroundings } from './run-reading.ts'
import { EXIT, printable } from './say.ts'

/** `ocr doctor`: looks at everything that a gateway with these settings needs, and says what to do. */
export async function doctorCommand({ baseUrl, json }: AskOptions, { env }: Surroundings): Promise<number> {
  const findings = [checkNode()]
  const { config, problems, warnings } = loadConfig(env)
  findings.push(...checkSettings(config, problems, warnings))
  if (config !== null) {
    findings.push(...(await checkMachine(config)))
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
