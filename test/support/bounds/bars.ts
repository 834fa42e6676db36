import { setTimeout as delay } from 'node:timers/promises'
import { quantile, type FileReport, type HostileRun } from './hostile-run.ts'
import type { Watched } from './watch-gateway.ts'

/** What a gateway may take, whatever it is sent. */
export interface Bars {
  /** Megabytes, children included. */
  readonly memory: number
  /** Megabytes, half a minute after. */
  readonly memoryAfter: number
  /** Milliseconds. */
  readonly health: number
  /** Milliseconds beyond twice those of an idle gateway, for nine in ten pages of another key. */
  readonly page: number
  /** The same for each of its pages; left out: four times as many. */
  readonly longestPage?: number
  /** Seconds for one answer. */
  readonly answer: number
}

const GIVEN_BACK_WITHIN_MS = 30_000

/** Waits until the gateway has given its memory back, half a minute at most; returns what it holds then. */
export async function memoryAfter(run: HostileRun, megabytes: number): Promise<number> {
  const deadline = performance.now() + GIVEN_BACK_WITHIN_MS
  for (;;) {
    await delay(500)
    const { lastMegabytes } = await run.watcher.look()
    if (lastMegabytes < megabytes || performance.now() > deadline) return lastMegabytes
  }
}

/** Says which bars were missed, a line each. */
export function missedBars(run: HostileRun, bars: Bars, watched: Watched, reports: readonly FileReport[]): string[] {
  const { peakMegabytes, healthMs, pageMs, failures } = watched
  const [mostPages, longestPage] = [quantile(pageMs, 0.9), Math.max(0, ...pageMs)]
  const [mostBar, longestBar] = [
    2 * run.idlePageMs + bars.page,
    2 * run.idlePageMs + (bars.longestPage ?? 4 * bars.page),
  ]
  const checks: readonly (readonly [boolean, string])[] = [
    [run.isAlive(), 'the process has ended'],
    [peakMegabytes < bars.memory, `${peakMegabytes.toFixed()} MB of memory, at most ${bars.memory}`],
    [
      quantile(healthMs, 0.99) < bars.health,
      `/health took ${quantile(healthMs, 0.99).toFixed()} ms, the 99th percentile; at most ${bars.health}`,
    ],
    [
      mostPages < mostBar,
      `pages of another key took ${mostPages.toFixed()} ms, the 90th percentile; at most ${mostBar.toFixed()}`,
    ],
    [
      longestPage < longestBar,
      `a page of another key took ${longestPage.toFixed()} ms, at most ${longestBar.toFixed()}`,
    ],
    [failures.length === 0, `${failures.length} requests beside it failed, first ${failures[0]}`],
    ...reports.map(({ file, isAnswer, outcome }) => [isAnswer, `${file}: ${outcome}`] as const),
    ...reports.map(
      ({ file, seconds, isLong }) =>
        [isLong || seconds < bars.answer, `${file}: ${seconds.toFixed(1)} s, at most ${bars.answer}`] as const,
    ),
  ]
  return checks.filter(([isMet]) => !isMet).map(([, line]) => line)
}
