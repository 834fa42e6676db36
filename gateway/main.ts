import { setFlagsFromString } from 'node:v8'
import { loadConfig, type Config } from './config/load.ts'
import { shownSettings } from './config/shown.ts'
import { startGateway } from './server.ts'
import { configurationProblems } from './services.ts'
import { checkMachine, tellOf } from './wiring/machine.ts'
import { version } from './wiring/version.ts'

/**
 * V8 lets its heap grow to up to four times what is alive before it looks through it, and keeps the pages from then on: a busy minute would
 * set the memory of all later hours. In percent of what is alive.
 */
setFlagsFromString('--heap-growing-percent=60')

const { config, problems, warnings } = loadConfig(process.env)
const allProblems = config === null ? problems : configurationProblems(config)
for (const problem of allProblems) process.stderr.write(`${problem}\n`)
if (config === null || allProblems.length > 0) process.exit(1)
await run(config)

async function run(config: Config): Promise<void> {
  const gateway = await startGateway(config).catch((error: Error) => {
    process.stderr.write(`GATEWAY_HOST, GATEWAY_PORT cannot be listened on: ${error.message}\n`)
    process.exit(1)
  })
  const { log } = gateway.services
  log.info({ version, node: process.version, settings: shownSettings(config) }, 'started')
  for (const warning of warnings) log.warn(warning)
  void checkMachine(config).then((findings) => tellOf(findings, log))
  // A bug in one request must not end the others.
  process.on('unhandledRejection', (reason) => log.error({ err: reason }, 'unhandled rejection'))
  process.stdout.write(`ocr-gateway listens on ${gateway.url}\n`)
  if (gateway.insideUrl !== null) log.info({ url: gateway.insideUrl }, 'metrics are on a port of their own')
  stopOnce(async (reason) => {
    log.info(reason, 'draining')
    await gateway.stop()
    log.info('stopped')
    log.flush()
    setTimeout(() => process.exit(), LAST_WORDS).unref()
  })
}

/** What still runs then is of no use: OpenTelemetry's exporter waits for a collector, and tries it again, for 10 s. In milliseconds. */
const LAST_WORDS = 500

/** Ctrl-C reaches a process that npm has started twice: from the terminal, and from npm. In milliseconds. */
const SAME_SIGNAL = 1000

/** Has a signal to end, or the end of npm, stop the gateway. A second signal that is meant as one ends it at once. */
function stopOnce(stop: (reason: Readonly<Record<string, string>>) => Promise<void>): void {
  let isStopping = false
  const begin = (reason: Readonly<Record<string, string>>): void => {
    if (isStopping) return
    isStopping = true
    setTimeout(() => signals.forEach((signal) => process.removeListener(signal, begins[signal])), SAME_SIGNAL).unref()
    void stop(reason)
  }
  const begins = { SIGTERM: () => begin({ signal: 'SIGTERM' }), SIGINT: () => begin({ signal: 'SIGINT' }) }
  const signals = ['SIGTERM', 'SIGINT'] as const
  for (const signal of signals) process.on(signal, begins[signal])
  whenNpmEnds(() => begin({ reason: 'npm has ended' }))
}

/** An npm that is killed passes no signal on: the gateway would hold its port until somebody finds it. */
function whenNpmEnds(end: () => void): void {
  if (process.env['npm_lifecycle_event'] !== 'start') return
  const npm = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === npm) return
    clearInterval(timer)
    end()
  }, 1000)
  timer.unref()
}
