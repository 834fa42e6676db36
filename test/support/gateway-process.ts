import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { cleanEnvironment } from './clean-environment.ts'
import { eventually } from './within.ts'

const main = join(import.meta.dirname, '../../gateway/main.ts')
const START_TIMEOUT_MS = 30_000

/** The gateway as its users run it: a process of its own. */
export interface GatewayProcess extends AsyncDisposable {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  /** Everything it has written so far. */
  readonly output: { stdout: string; stderr: string }
  /** Its exit code and signal. */
  readonly exited: Promise<[number | null, string | null]>
  /** Empty when it ended instead of listening. */
  readonly url: string
}

/**
 * Starts a gateway on a free port, with these settings and Node options, and a data folder of its own unless they name one;
 * resolves once it listens, or has ended. `limits` are those of the shell's `ulimit`.
 */
export async function startGatewayProcess(
  environment: Readonly<Record<string, string>>,
  nodeOptions: readonly string[] = [],
  limits = '',
): Promise<GatewayProcess> {
  const command = [process.execPath, ...nodeOptions, main]
  const [program, ...parameters] =
    limits === '' ? command : ['sh', '-c', `ulimit ${limits}; exec "$@"`, 'sh', ...command]
  const dataDir = mkdtempSync(join(tmpdir(), 'ocr-gateway-'))
  const child: GatewayProcess['child'] = spawn(program!, parameters, {
    env: { ...cleanEnvironment, GATEWAY_PORT: '0', GATEWAY_DATA_DIR: dataDir, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (data: Buffer) => (output.stdout += data.toString()))
  child.stderr.on('data', (data: Buffer) => (output.stderr += data.toString()))
  const exited = once(child, 'exit') as GatewayProcess['exited']
  await eventually(() => output.stdout.includes('listens on') || child.exitCode !== null, START_TIMEOUT_MS, 'the start')
  const url = /listens on (http:\S+)/.exec(output.stdout)?.[1] ?? ''
  const end = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
    rmSync(dataDir, { recursive: true, force: true })
  }
  return { child, output, exited, url, [Symbol.asyncDispose]: end }
}
