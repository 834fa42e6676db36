// Processes that benchmarks start, and what they took.
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { processTree } from '../support/bounds/process-memory.ts'

/** A process that is ready; disposing kills it. */
export interface Launched extends AsyncDisposable {
  readonly pid: number
  /** What the first group of the awaited line said. */
  readonly url: string
}

const root = join(import.meta.dirname, '../..')

/** How a process is started, and how it says that it is ready. */
export interface LaunchOptions {
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** A line on its standard output; the first group is the address. */
  readonly line: RegExp
  /** Defaults to `inherit`. */
  readonly stderr?: 'inherit' | 'ignore'
}

/** Starts a script, and waits until it is ready. */
export async function launch(script: string, options: LaunchOptions): Promise<Launched> {
  // As `npm start` and the image start it.
  const child = spawn(process.execPath, ['--max-semi-space-size=8', script, ...options.args], {
    env: { PATH: process.env['PATH'], ...options.environment },
    stdio: ['ignore', 'pipe', options.stderr ?? 'inherit'],
  })
  const url = await firstMatch(child, child.stdout, options.line)
  child.stdout.resume()
  return { pid: child.pid ?? 0, url, [Symbol.asyncDispose]: async () => void child.kill('SIGKILL') }
}

/** Starts a gateway in front of these upstreams; it logs warnings alone. */
export function launchGateway(
  upstreams: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  stderr: LaunchOptions['stderr'] = 'inherit',
): Promise<Launched> {
  const settings = {
    GATEWAY_PORT: '0',
    GATEWAY_UPSTREAM_URLS: upstreams.join(','),
    GATEWAY_LOG_LEVEL: 'warn',
    ...environment,
  }
  const line = /listens on (\S+)/
  return launch(join(root, 'gateway/main.ts'), { args: [], environment: settings, line, stderr })
}

/** Starts a fake vLLM with these flags, on a free port. */
export function launchFake(flags: readonly string[]): Promise<Launched> {
  const line = /fake vllm: (\S+)/
  return launch(join(root, 'test/fakes/fake-vllm-main.ts'), { args: ['--port', '0', ...flags], line })
}

async function firstMatch(child: ChildProcess, output: Readable, pattern: RegExp): Promise<string> {
  for await (const line of createInterface(output)) {
    const found = pattern.exec(line)?.[1]
    if (found !== undefined) return found
  }
  throw new Error(`the process ended with ${child.exitCode} before it was ready`)
}

const TICKS_PER_SECOND = 100

/** User and system time of a process, its threads and its children, those that have ended included, from Linux' /proc. */
export function cpuSeconds(pid: number): number {
  return processTree(pid).reduce((sum, each) => sum + cpuSecondsOf(each), 0)
}

/** The same of a process without its children that still run. */
export function cpuSecondsOf(pid: number): number {
  try {
    // The name, in parentheses, may hold spaces; the times are the 14th to 17th fields, the last two of ended children.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND
  } catch {
    // It has just ended.
    return 0
  }
}
