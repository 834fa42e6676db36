import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
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
  /** What its access log says of requests, by their ids. */
  readonly lines: ReadonlyMap<string, LoggedRequest>
  /** Lines that say of a page that it failed, by the id of the request. */
  readonly failedPages: Counts
  /** Lines that must not be: of failures that the gateway did not expect, and such as are no JSON. */
  readonly strange: readonly string[]
  hasEnded(): boolean
  /** Has it end as an operator does; resolves with its exit code, null where it had to be killed. */
  stop(): Promise<number | null>
}

/** A line of the access log. */
export interface LoggedRequest {
  readonly status: number
  readonly key: string | null
  readonly pages: number | null
}

const main = join(import.meta.dirname, '../../gateway/main.ts')
const MAX_STRANGE = 20

const logLine = z.object({
  msg: z.string().optional(),
  path: z.string().optional(),
  // Of a request a number, of a batch a word.
  status: z.union([z.number(), z.string()]).optional(),
  code: z.string().optional(),
  request_id: z.string().optional(),
  key: z.string().optional(),
  pages: z.number().optional(),
})

/** Starts one; resolves once it listens. Its log is written to a folder where one is named. */
export async function startSoakGateway(
  environment: Readonly<Record<string, string>>,
  logFolder: string | null = null,
): Promise<SoakGateway> {
  // As `npm start` and the image start it.
  const child = spawn(process.execPath, ['--max-semi-space-size=8', main], {
    env: {
      PATH: process.env['PATH'],
      GATEWAY_PORT: '0',
      GATEWAY_LOG_LEVEL: 'info',
      MALLOC_ARENA_MAX: '2',
      MALLOC_TRIM_THRESHOLD_: '131072',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const logged: Counts = new Map()
  const strange: string[] = []
  const lines = new Map<string, LoggedRequest>()
  const failedPages: Counts = new Map()
  if (logFolder !== null) child.stderr.pipe(createWriteStream(join(logFolder, `gateway-${child.pid}.log`)))
  createInterface(child.stderr).on('line', (line) => {
    const { data } = logLine.safeParse(parse(line))
    const isStrange = data === undefined || data.code === 'internal_error'
    if (isStrange && strange.length < MAX_STRANGE) strange.push(line.slice(0, 2000))
    const { request_id: id, path, key = null, pages = null } = data ?? {}
    const status = Number(data?.status)
    if (data?.msg === 'request') countOne(logged, `${routeOf(path ?? '')} ${status}`)
    if (data?.msg === 'request' && id !== undefined) lines.set(id, { status, key, pages })
    if (data?.msg === 'page failed' && id !== undefined) countOne(failedPages, id)
  })
  const listening = Promise.withResolvers<string>()
  createInterface(child.stdout).on('line', (line) => {
    const url = /listens on (\S+)/.exec(line)?.[1]
    if (url !== undefined) listening.resolve(url)
  })
  child.once('exit', () => listening.reject(new Error(`the gateway did not start: ${strange.join('\n')}`)))
  const url = await listening.promise
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null
  async function stop(): Promise<number | null> {
    if (hasEnded()) return child.exitCode
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    const tooLong = setTimeout(() => child.kill('SIGKILL'), 40_000)
    await ended
    clearTimeout(tooLong)
    return child.exitCode
  }
  return {
    pid: child.pid ?? 0,
    url,
    logged,
    lines,
    failedPages,
    strange,
    hasEnded,
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  }
}

/** Returns the route that a path belongs to, as metrics name it. */
export function routeOf(path: string): string {
  return path.replace(/\/(files|batches|responses)\/[^/]+/, '/$1/:id')
}

/** Counts one thing more, or several. */
export function countOne(counts: Counts, name: string, many = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + many)
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
