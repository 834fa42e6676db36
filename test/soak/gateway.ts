import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'

/** How often each thing has happened. */
export type Counts = Map<string, number>

/** A gateway in a process of its own, whose log is counted as it is written. */
export interface SoakGateway extends AsyncDisposable {
  readonly pid: number
  readonly url: string
  /** Lines of its access log, by route and status. */
  readonly logged: Counts
  /** Lines that must not be: of failures that the gateway did not expect, and such as are no JSON. */
  readonly strange: readonly string[]
  hasEnded(): boolean
}

const main = join(import.meta.dirname, '../../gateway/main.ts')
const MAX_STRANGE = 20

const logLine = z.object({
  msg: z.string().optional(),
  path: z.string().optional(),
  status: z.number().optional(),
  code: z.string().optional(),
})

/** Starts one; resolves once it listens. */
export async function startSoakGateway(environment: Readonly<Record<string, string>>): Promise<SoakGateway> {
  // As `npm start` and the image start it.
  const child = spawn(process.execPath, ['--max-semi-space-size=8', main], {
    env: {
      PATH: process.env['PATH'],
      GATEWAY_PORT: '0',
      GATEWAY_LOG_LEVEL: 'info',
      MALLOC_ARENA_MAX: '2',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const logged: Counts = new Map()
  const strange: string[] = []
  createInterface(child.stderr).on('line', (line) => {
    const { data } = logLine.safeParse(parse(line))
    const isStrange = data === undefined || data.code === 'internal_error'
    if (isStrange && strange.length < MAX_STRANGE) strange.push(line.slice(0, 2000))
    if (data?.msg === 'request') countOne(logged, `${data.path} ${data.status}`)
  })
  const listening = Promise.withResolvers<string>()
  createInterface(child.stdout).on('line', (line) => {
    const url = /listens on (\S+)/.exec(line)?.[1]
    if (url !== undefined) listening.resolve(url)
  })
  child.once('exit', () => listening.reject(new Error(`the gateway did not start: ${strange.join('\n')}`)))
  const url = await listening.promise
  return {
    pid: child.pid ?? 0,
    url,
    logged,
    strange,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      const tooLong = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await ended
      clearTimeout(tooLong)
    },
  }
}

/** Counts one thing more. */
export function countOne(counts: Counts, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
