// The command `ocr`. `ocr.js` begins it, with a Node that can run it.
import { CommanderError } from 'commander'
import { version } from '../wiring/version.ts'
import { completionScript } from './completion.ts'
import { modelsCommand } from './models.ts'
import { createProgram } from './program.ts'
import { readCommand } from './read-command.ts'
import { CommandError, EXIT, say } from './say.ts'
import { serveCommand } from './serve.ts'

// `npm run` goes to the project's own folder; paths are meant from where it was called.
if (process.env['npm_lifecycle_event'] === 'ocr' && process.env['INIT_CWD']) process.chdir(process.env['INIT_CWD'])

// Whoever reads the output may leave, `ocr … | head`: what writes finds out.
process.stdout.on('error', () => {})
process.stderr.on('error', () => {})
// A gateway of the command's own must not end with one of its requests.
process.on('unhandledRejection', (reason) => say(`A bug: ${reason instanceof Error ? reason.stack : String(reason)}`))

const where = { cwd: process.cwd(), env: process.env }
let exitCode: number = EXIT.ok
const act = async (command: Promise<number>): Promise<void> => void (exitCode = await command)

const program = createProgram(version, {
  async read(args, options) {
    if (args.length > 0) return act(readCommand(args, options, where))
    process.stderr.write(program.helpInformation())
    exitCode = EXIT.usage
  },
  serve: async () => act(serveCommand()),
  models: async (options) => act(modelsCommand(options, where)),
  async doctor(options) {
    const { doctorCommand } = await import('./doctor.ts')
    return act(doctorCommand(options, where))
  },
  async samples(action, target, options) {
    const { samplesCommand } = await import('./samples.ts')
    return act(samplesCommand(action, target, options, where))
  },
  completion: async (shell) => void process.stdout.write(completionScript(shell, program)),
})

try {
  await program.parseAsync(process.argv.slice(2), { from: 'user' })
} catch (error) {
  exitCode = exitCodeOf(error)
}
// What a gateway may leave running, a connection that is kept, is no reason to wait.
process.stdout.write('', () => process.exit(exitCode))

function exitCodeOf(error: unknown): number {
  // Commander has said what is wrong.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof CommandError) {
    if (error.message !== '') say(error.message)
    return error.exitCode
  }
  say(`ocr has failed, and this is a bug: ${error instanceof Error ? error.stack : String(error)}`)
  return EXIT.failed
}
