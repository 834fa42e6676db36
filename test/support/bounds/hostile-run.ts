import { setTimeout as delay } from 'node:timers/promises'
import { launchFake, launchGateway } from '../../bench/processes.ts'
import { varied } from '../../fixtures/hostile/hostile-file.ts'
import type { HostileFile } from '../../fixtures/hostile/hostile-file.ts'
import { askFor } from './ask.ts'
import { watchGateway, type Watched, type Watcher } from './watch-gateway.ts'

/** How a gateway is exposed to hostile files. */
export interface HostileRunOptions {
  /** Settings beyond the defaults. */
  readonly environment?: Readonly<Record<string, string>>
  readonly endBeyondMegabytes?: number
  /** How long one answer may take. */
  readonly answerLimitSeconds: number
  readonly stderr?: 'inherit' | 'ignore'
}

/** What one file did. */
export interface FileReport {
  readonly file: string
  readonly family: string
  readonly bytes: number
  readonly seconds: number
  readonly outcome: string
  readonly isAnswer: boolean
  readonly isLong: boolean
}

/** A gateway as its users run it, in front of a quick fake vLLM, and a watcher beside it. */
export interface HostileRun extends AsyncDisposable {
  readonly pid: number
  /** Another key's page on an idle gateway: milliseconds. */
  readonly idlePageMs: number
  readonly watcher: Watcher
  /** Sends one file, and returns what became of it. */
  send(file: HostileFile, key?: number): Promise<FileReport>
  /** Sends all files, so many at a time, each slot with a key of its own. */
  sendAll(files: readonly HostileFile[], atOnce: number): Promise<readonly FileReport[]>
  isAlive(): boolean
}

const KEYS = 8
const HONEST_KEY = 'honest-key'
const keyOf = (slot: number) => `hostile-key-${slot}`
const IDLE_PAGES = 6
const PAGE_EVERY_MS = 500
/** Whoever waits for a document of many slow pages leaves after so long. */
const LONG_SECONDS = 20

/** Starts a gateway, and times another key's pages while nothing else happens. */
export async function startHostileRun(options: HostileRunOptions): Promise<HostileRun> {
  const { environment = {}, endBeyondMegabytes = 8000, answerLimitSeconds, stderr = 'inherit' } = options
  // What was started ends with whatever fails after it.
  await using closing = new AsyncDisposableStack()
  const names = Array.from({ length: KEYS }, (_, slot) => `hostile-${slot}:${keyOf(slot)}`)
  const keys = [...names, `honest:${HONEST_KEY}`].join(',')
  const fake = closing.use(await launchFake(['--instant']))
  const gateway = closing.use(await launchGateway([fake.url], { GATEWAY_API_KEYS: keys, ...environment }, stderr))
  const { pid, url } = gateway
  const asking = { pid, url, key: HONEST_KEY, pageEveryMs: PAGE_EVERY_MS, endBeyondMegabytes }
  const watcher = closing.use(watchGateway(asking))
  const idlePageMs = await idlePages(watcher)
  const whole = closing.move()
  let salt = 0

  async function send({ file, family, bytes, isLong = false }: HostileFile, slot = 0): Promise<FileReport> {
    const content = varied(file, await bytes(), salt++)
    const limitSeconds = isLong ? LONG_SECONDS : answerLimitSeconds
    const asked = await askFor({ url, key: keyOf(slot % KEYS) }, { file, bytes: content }, limitSeconds * 1000)
    const { milliseconds, outcome } = asked
    const isAnswer = asked.isAnswer || (isLong && milliseconds > limitSeconds * 1000)
    return { file, family, bytes: content.length, seconds: milliseconds / 1000, outcome, isAnswer, isLong }
  }

  async function sendAll(files: readonly HostileFile[], atOnce: number): Promise<readonly FileReport[]> {
    const waiting = [...files]
    const reports: FileReport[] = []
    const slots = Array.from({ length: atOnce }, async (_, slot) => {
      for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) reports.push(await send(file, slot))
    })
    await Promise.all(slots)
    return reports
  }

  return {
    pid,
    idlePageMs,
    watcher,
    send,
    sendAll,
    isAlive: () => isAlive(pid),
    [Symbol.asyncDispose]: () => whole.disposeAsync(),
  }
}

async function idlePages(watcher: Watcher): Promise<number> {
  const seen: number[] = []
  while (seen.length < IDLE_PAGES) {
    await delay(PAGE_EVERY_MS)
    seen.push(...(await watcher.look()).pageMs)
  }
  // The first page starts what draws it.
  return quantile(seen.slice(2), 0.5)
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Returns what so large a share of values does not exceed; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

/** Joins what was seen in several looks. */
export function joined(looks: readonly Watched[]): Watched {
  return {
    peakMegabytes: Math.max(...looks.map(({ peakMegabytes }) => peakMegabytes)),
    peakResidentMegabytes: Math.max(...looks.map(({ peakResidentMegabytes }) => peakResidentMegabytes)),
    lastMegabytes: looks.at(-1)?.lastMegabytes ?? 0,
    healthMs: looks.flatMap(({ healthMs }) => healthMs),
    pageMs: looks.flatMap(({ pageMs }) => pageMs),
    failures: looks.flatMap(({ failures }) => failures),
    wasEnded: looks.some(({ wasEnded }) => wasEnded),
  }
}
