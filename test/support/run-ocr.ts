import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { cleanEnvironment } from './clean-environment.ts'

/** The script that `ocr` is. */
export const launcher = join(import.meta.dirname, '../../gateway/cli/ocr.js')

/** The command line as its users run it. */
export interface OcrProcess {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  /** Everything it has written so far. */
  readonly output: { stdout: string; stderr: string }
  /** Its exit code; null after a signal that it could not answer. */
  readonly exited: Promise<number | null>
}

/** How it is started. */
export interface OcrOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: Uint8Array
  readonly node?: string
}

/** Starts `ocr`, with nothing of this process's environment but its path. */
export function startOcr(args: readonly string[], { cwd, env, input, node }: OcrOptions = {}): OcrProcess {
  const child = spawn(node ?? process.execPath, [launcher, ...args], {
    cwd,
    env: { ...cleanEnvironment, OCR_PATIENCE_SECONDS: '2', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  child.stdin.on('error', () => {})
  child.stdin.end(input ?? '')
  const exited = once(child, 'close').then(([code]) => code as number | null)
  return { child, output, exited }
}

/** Runs `ocr` to its end. */
export async function runOcr(args: readonly string[], options: OcrOptions = {}) {
  const { output, exited } = startOcr(args, options)
  const code = await exited
  return { code, ...output }
}
