import { sumBy, valueOf, type Sample } from '../support/read-metrics.ts'
import { countOne, type Counts } from './gateway.ts'
import type { Look } from './watch.ts'

/** One thing that must hold, and whether it does. */
export interface Verdict {
  readonly text: string
  readonly isMet: boolean
}

/** By so much the memory at the end may be larger than it was once all was warm. */
const MAX_MEMORY_GROWTH = 1.1
/** Sockets between the gateway and its servers come and go; a drawer and Tesseract's threads start with the first page. */
const MAX_MORE = { handles: 16, threads: 4, timers: 8 }
/** Connections of the soak itself that are open at its end. */
const MAX_OPEN = 3
/** The least heap of a window is what is left after garbage was collected, more or less. */
const MAX_HEAP_GROWTH = 1.15
const MAX_MORE_HEAP = 8

/**
 * The parts of a run that are compared, in seconds: the last four minutes, and four once all is warm, or less of a shorter one.
 * What drawers hold at a moment differs by a third, and two minutes are too short a mean of it. V8 compiles what runs often, and lets buffers that nobody holds any more grow to 64 MB before it collects them: that
 * takes a gateway some thousands of pages, which are six minutes here.
 */
export function windowsOf(seconds: number): {
  readonly early: readonly [number, number]
  readonly late: readonly [number, number]
} {
  if (seconds >= 1200) return { early: [360, 600], late: [seconds - 240, seconds] }
  if (seconds >= 480) return { early: [120, 240], late: [seconds - 120, seconds] }
  return { early: [seconds / 4, seconds / 2], late: [(seconds * 3) / 4, seconds] }
}

/** Returns the mean of what was seen between two times. */
export function meanOf(
  looks: readonly Look[],
  of: 'megabytes' | 'own' | 'delayMs' | 'healthMs' | 'handles' | 'heap',
  [from, to]: readonly [number, number],
): number {
  // prettier-ignore
  const seen = looks.filter(({ at }) => at >= from && at < to).map((look) => look[of])
  return seen.reduce((sum, value) => sum + value, 0) / Math.max(1, seen.length)
}

/** Judges the memory at the end against the memory once all was warm. */
export function judgeMemory(looks: readonly Look[], seconds: number): Verdict {
  const { early, late } = windowsOf(seconds)
  const [before, after] = [meanOf(looks, 'megabytes', early), meanOf(looks, 'megabytes', late)]
  const growth = after / before
  const text = `memory went from ${before.toFixed(0)} to ${after.toFixed(0)} MB: ${growth.toFixed(2)} times, at most ${MAX_MEMORY_GROWTH}`
  return { text, isMet: growth <= MAX_MEMORY_GROWTH }
}

/** Judges the least heap at the end against the least once all was warm. */
export function judgeHeap(looks: readonly Look[], seconds: number): Verdict {
  const { early, late } = windowsOf(seconds)
  const least = ([from, to]: readonly [number, number]) => Math.min(...looks.filter(({ at }) => at >= from && at < to).map(({ heap }) => heap)) // prettier-ignore
  const [before, after] = [least(early), least(late)]
  const most = Math.max(before * MAX_HEAP_GROWTH, before + MAX_MORE_HEAP)
  const text = `the least heap went from ${before.toFixed(0)} to ${after.toFixed(0)} MB, at most ${most.toFixed(0)}`
  return { text, isMet: after <= most }
}

/** Judges what a gateway holds that has nothing to do, before and after all: files and sockets, threads, timers. */
export function judgeHeld(before: Look, after: Look): Verdict[] {
  return (['handles', 'threads', 'timers'] as const).map((what) => {
    const isMet = after[what] <= before[what] + MAX_MORE[what]
    const more = what === 'handles' && !isMet ? `: ${moreOf(before.kinds, after.kinds)}` : ''
    return { text: `${what} went from ${before[what]} to ${after[what]}, at most ${MAX_MORE[what]} more${more}`, isMet }
  })
}

function moreOf(before: Counts, after: Counts): string {
  const changed = [...after].filter(([kind, count]) => count !== before.get(kind))
  return changed.map(([kind, count]) => `${kind} ${before.get(kind) ?? 0} to ${count}`).join(', ')
}

/** Judges that nothing is left of what was asked. */
export function judgeRest(samples: readonly Sample[]): Verdict {
  const rest = {
    // The one that asks for the metrics counts itself.
    requests: valueOf(samples, 'ocr_gateway_requests_in_flight') - 1,
    pages: valueOf(samples, 'ocr_gateway_pages_in_flight'),
    // Those that ask for metrics are open.
    connections: Math.max(0, valueOf(samples, 'ocr_gateway_connections') - MAX_OPEN),
    ...sumBy(samples, 'ocr_gateway_queued_pages', 'queue'),
    ...sumBy(samples, 'ocr_gateway_upstream_in_flight', 'upstream'),
  }
  const left = Object.entries(rest).filter(([, count]) => count !== 0)
  const text = left.length === 0 ? 'nothing is in flight or waits' : `still there: ${left.join(' ')}`
  return { text, isMet: left.length === 0 }
}

/** What was counted of the requests: by their clients, in the log, and in the metrics. */
export interface Counted {
  readonly clients: Counts
  /** Requests, by path, whose clients left: they may be counted as whatever they were, or not have come at all. */
  readonly left: Counts
  readonly logged: Counts
  readonly samples: readonly Sample[]
  /** How many gateways they are of. */
  readonly gateways: number
}

/** Judges that log and metrics agree with each other, and with what clients have seen. */
export function judgeCounts({ clients, left, logged, samples, gateways }: Counted): Verdict[] {
  const metrics: Counts = new Map()
  for (const { name, labels, value } of samples)
    if (name === 'ocr_gateway_requests_total') countOne(metrics, `${labels['route']} ${labels['status']}`, value)
  // The request for the metrics is in neither of its own, and its line is in the log by now.
  countOne(metrics, '/metrics 200', gateways)
  const keys = [...new Set([...metrics.keys(), ...logged.keys(), ...clients.keys()])].toSorted()
  const unlike = keys.filter((key) => (metrics.get(key) ?? 0) !== (logged.get(key) ?? 0))
  const missed = keys.filter((key) => !mayBe(metrics.get(key) ?? 0, clients.get(key) ?? 0, left.get(pathOf(key)) ?? 0))
  const all = [...metrics.values()].reduce((sum, count) => sum + count, 0)
  const say = (key: string) => `${key}: clients ${clients.get(key) ?? 0}, log ${logged.get(key) ?? 0}, metrics ${metrics.get(key) ?? 0}` // prettier-ignore
  return [
    { text: `${all} requests: metrics and log agree ${unlike.map(say).join('; ')}`.trim(), isMet: unlike.length === 0 },
    {
      text: `${all} requests: metrics and clients agree ${missed.map(say).join('; ')}`.trim(),
      isMet: missed.length === 0,
    },
  ]
}

function mayBe(counted: number, seen: number, left: number): boolean {
  return counted >= seen && counted <= seen + left
}

const pathOf = (key: string): string => key.split(' ')[0] ?? ''
