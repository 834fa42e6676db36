// Processes that benchmarks start, and what they took.
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

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

/** User and system time of a process and its threads, from Linux' /proc. */
export function cpuSeconds(pid: number): number {
  // The name, in parentheses, may hold spaces; the times are the 14th and 15th fields.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** The most memory a process held at one time. */
export function peakMegabytes(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}
