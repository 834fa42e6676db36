import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { EXIT } from './say.ts'

const MAIN = join(import.meta.dirname, '../main.ts')

/** `ocr serve`: the gateway itself, as `npm start` starts it. */
export async function serveCommand(): Promise<number> {
  const parameters = ['--max-semi-space-size=8', MAIN]
  // The gateway in place of this process: signals and its end are its own.
  if (process.platform !== 'win32') process.execve?.(process.execPath, [process.execPath, ...parameters], process.env)
  const child = spawn(process.execPath, parameters, { stdio: 'inherit' })
  process.on('SIGINT', () => {})
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? EXIT.failed
}
