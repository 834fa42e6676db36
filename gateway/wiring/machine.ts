// What a gateway needs of its machine: looked at when it starts, and by `ocr doctor`.
import { access, mkdtemp, readFile, rmdir, statfs } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Config } from '../config/load.ts'
import type { Log } from '../telemetry/log.ts'
import type { Finding } from './finding.ts'
import { checkGotenberg } from './gotenberg.ts'

const MEBIBYTE = 1024 ** 2
const GIBIBYTE = 1024 ** 3

/** Looks at the data folder, the memory, the files that may be open, and at Gotenberg, where one is set. */
export async function checkMachine(config: Config): Promise<readonly Finding[]> {
  const findings = await Promise.all([
    checkDataDir(config.GATEWAY_DATA_DIR),
    checkOpenFiles(config),
    checkGotenberg(config.GATEWAY_GOTENBERG_URL),
  ])
  return [...findings, checkMemory(config, process.constrainedMemory())].filter((finding) => finding !== null)
}

/** Logs what is not as it should be. */
export function tellOf(findings: readonly Finding[], log: Pick<Log, 'warn'>): void {
  for (const { what, state, text, todo } of findings) {
    if (state !== 'good') log.warn({ what, ...(todo === undefined ? {} : { todo }) }, text)
  }
}

const LITTLE_ROOM = 2 * GIBIBYTE

async function checkDataDir(dataDir: string): Promise<Finding> {
  const path = resolve(dataDir)
  const what = 'Data folder'
  try {
    // It is made when it is first needed.
    const existing = await nearest(path)
    // Its mode alone does not tell: not of a file system that takes no folders, nor to root.
    await rmdir(await mkdtemp(join(existing, '.ocr-doctor-')))
    const { bavail, bsize } = await statfs(existing)
    const free = bavail * bsize
    const text = `${path} can be written, with ${(free / GIBIBYTE).toFixed(1)} GiB free`
    if (free > LITTLE_ROOM) return { what, state: 'good', text }
    return { what, state: 'note', text, todo: 'make room, or set GATEWAY_DATA_DIR to a folder on a larger disk' }
  } catch (error) {
    const todo = 'set GATEWAY_DATA_DIR to a folder that this user can write'
    return { what, state: 'broken', text: `${path} cannot be written: ${(error as Error).message}`, todo }
  }
}

async function nearest(path: string): Promise<string> {
  try {
    await access(path)
    return path
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error
    return nearest(dirname(path))
  }
}

/** Beside the connections of clients: to the engines, to Redis, the drawers, the files that are read. */
const OTHER_FILES = 1000

/** Returns how many clients may be connected at a time: as set, and no more than the system gives files. */
export async function mostConnections({ GATEWAY_MAX_CONNECTIONS: wanted }: Config): Promise<number> {
  const files = await openFilesLimit()
  return files === null ? wanted : Math.max(1, Math.min(wanted, files - OTHER_FILES))
}

/** Node raises its limit to the most that it may have. Null where the system does not say. */
async function openFilesLimit(): Promise<number | null> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const most = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
  return most === undefined ? null : Number(most)
}

async function checkOpenFiles(config: Config): Promise<Finding | null> {
  const [files, most] = [await openFilesLimit(), await mostConnections(config)]
  if (files === null) return null
  const wanted = config.GATEWAY_MAX_CONNECTIONS
  const what = 'Open files'
  const text = `this process may have ${files} files and connections open, and takes ${most} clients`
  if (most >= wanted) return { what, state: 'good', text }
  const todo = `raise \`ulimit -n\` to ${wanted + OTHER_FILES}, or lower GATEWAY_MAX_CONNECTIONS, which is ${wanted}`
  return { what, state: 'note', text, todo }
}

/** What a gateway takes before it is asked anything, and what a drawer does: docs/operating.md. In bytes. */
const BASE_BYTES = 250 * MEBIBYTE
const DRAWER_BYTES = 180 * MEBIBYTE
/** For each so many drawers, one large page may be drawn beside the others. */
const DRAWERS_A_LARGE_PAGE = 4

/** `limit`: what the process may take with its children, in bytes; 0 or more than any machine has: no limit. */
export function checkMemory(config: Config, limit: number): Finding | null {
  if (limit === 0 || limit > Number.MAX_SAFE_INTEGER) return null
  const drawers = config.GATEWAY_RASTERIZE_THREADS ?? availableParallelism()
  const largePages = Math.ceil(drawers / DRAWERS_A_LARGE_PAGE)
  const cacheBytes = config.GATEWAY_REDIS_URL === null ? config.GATEWAY_CACHE_MAX_BYTES : 0
  const pageBytes = config.GATEWAY_RASTERIZE_MEMORY_MEGABYTES * 1e6
  const needed =
    BASE_BYTES + config.GATEWAY_MAX_BUFFERED_BYTES + cacheBytes + drawers * DRAWER_BYTES + largePages * pageBytes
  const what = 'Memory'
  const text = `the system gives this process ${inMegabytes(limit)}, and at these settings it may come to ${inMegabytes(needed)}`
  if (limit >= needed) return { what, state: 'good', text }
  const todo =
    'give it more, or lower GATEWAY_MAX_BUFFERED_BYTES, GATEWAY_RASTERIZE_THREADS or GATEWAY_RASTERIZE_MEMORY_MEGABYTES'
  return { what, state: 'note', text, todo }
}

const inMegabytes = (bytes: number): string => `${Math.round(bytes / MEBIBYTE)} MiB`
