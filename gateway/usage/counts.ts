/** What is counted, in the order in which stores keep it: what is new comes at the end. */
export const COUNTED = [
  'requests',
  'requestsFailed',
  'pages',
  'pagesOk',
  'pagesRepaired',
  'pagesFallback',
  'pagesBlank',
  'pagesFailed',
  'pagesCached',
  'pagesCharged',
  'promptTokens',
  'completionTokens',
  'wastedPromptTokens',
  'wastedCompletionTokens',
] as const

/** Counts by what they are of. */
export type Counts = Readonly<Record<(typeof COUNTED)[number], number>>

/** Who has asked, and whom. */
export interface Who {
  /** The name of the caller; empty: of a gateway without keys. */
  readonly key: string
  readonly model: string
}

/** What one caller has used of one model on one day. */
export interface UsageRow extends Who {
  /** `2026-11-28`, in UTC. */
  readonly day: string
  readonly counts: Counts
}

/** Stands for the callers of a day that are too many to be told apart; no caller has such a name. */
export const OTHERS = '(others)'

/** Nothing of anything. */
export const NOTHING = Object.freeze(Object.fromEntries(COUNTED.map((name) => [name, 0]))) as Counts

/** Adds counts to others. */
export function addTo(sum: Record<keyof Counts, number>, more: Partial<Counts>): void {
  for (const name of COUNTED) sum[name] += more[name] ?? 0
}

const DAY_MS = 86_400_000
let latestDay = { number: Number.NaN, name: '' }

/** Returns the day of a moment in milliseconds of Unix time. Each page is counted on its day: the latest one is remembered. */
export function dayOf(time: number): string {
  const number = Math.floor(time / DAY_MS)
  if (number !== latestDay.number) latestDay = { number, name: new Date(time).toISOString().slice(0, 10) }
  return latestDay.name
}

/** Returns the month of a day: `2026-11`. */
export const monthOf = (day: string): string => day.slice(0, 7)

/** Returns the first day of the month behind that of a day. */
export function nextMonth(day: string): string {
  const [year = 0, month = 0] = day.split('-').map(Number)
  return dayOf(Date.UTC(year, month, 1))
}
