import { loadConfig, type Config } from './config/load.ts'
import { startGateway } from './server.ts'
import { configurationProblems } from './services.ts'

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
  for (const warning of warnings) log.warn(warning)
  // A bug in one request must not end the others.
  process.on('unhandledRejection', (reason) => log.error({ err: reason }, 'unhandled rejection'))
  process.stdout.write(`ocr-gateway listens on ${gateway.url}\n`)
  const stop = async (signal: string): Promise<void> => {
    log.info({ signal }, 'draining')
    await gateway.stop()
    log.info('stopped')
    log.flush()
  }
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void stop(signal))
}
