import type { Sample } from '../support/read-metrics.ts'
import { admin, patientCallers } from './callers.ts'
import { countOne, routeOf, type Counts, type SoakGateway } from './gateway.ts'
import type { SoakOutcome } from './requests.ts'
import type { Verdict } from './verdict.ts'

/** What those who waited for their answers have seen of one request. */
export type PageOutcome = Pick<SoakOutcome, 'caller' | 'id' | 'pages'>

/** What is known of the pages: by those who asked, in the logs, and in the metrics of all gateways together. */
interface PageSources {
  /** Each request of those who stay. */
  readonly outcomes: readonly PageOutcome[]
  /** Pages of all others that have seen them, by caller and status. */
  readonly others: Counts
  readonly gateways: readonly Pick<SoakGateway, 'lines' | 'failedPages'>[]
  readonly samples: readonly Sample[]
}

const STATUSES = ['ok', 'repaired', 'fallback', 'blank', 'failed'] as const

/** Sums the pages of all gateways, by caller and status. */
function countedPages(samples: readonly Sample[]): Counts {
  const counted: Counts = new Map()
  for (const { name, labels, value } of samples)
    if (name === 'ocr_gateway_pages_total') countOne(counted, `${labels['key']} ${labels['status']}`, value)
  return counted
}

/**
 * Judges that the metrics have, for each of those who stay, the pages that stand in their ledgers, neither more nor less. A request
 * all of whose pages failed has no ledger: its pages are those that the log names.
 */
export function judgePages({ outcomes, others, gateways, samples }: PageSources): Verdict[] {
  const counted = countedPages(samples)
  const seen: Counts = new Map()
  for (const { caller, id, pages } of outcomes) {
    for (const status of pages ?? []) countOne(seen, `${caller.label} ${status}`)
    if (pages !== null || id === null) continue
    for (const { failedPages } of gateways) countOne(seen, `${caller.label} failed`, failedPages.get(id) ?? 0)
  }
  const odd = outcomes.flatMap(({ caller, id, pages }) => {
    const logged = gateways.reduce((sum, { failedPages }) => sum + (failedPages.get(id ?? '') ?? 0), 0)
    const failed = pages?.filter((status) => status === 'failed').length ?? logged
    return failed === logged ? [] : [`${id} of ${caller.label} saw ${failed} failed pages, the log says ${logged}`]
  })
  const exact = patientCallers.flatMap(({ label }) => STATUSES.map((status) => `${label} ${status}`))
  const unlike = exact.filter((key) => (counted.get(key) ?? 0) !== (seen.get(key) ?? 0))
  const missed = [...others.keys()].filter((key) => !key.endsWith('pending') && (counted.get(key) ?? 0) < (others.get(key) ?? 0)) // prettier-ignore
  const say = (key: string) => `${key}: ${seen.get(key) ?? others.get(key) ?? 0} seen, ${counted.get(key) ?? 0} counted`
  const sum = (keys: readonly string[], of: Counts) => keys.reduce((total, key) => total + (of.get(key) ?? 0), 0)
  return [
    { text: `pages of those who stay: ${sum(exact, seen)} seen, ${sum(exact, counted)} in metrics ${unlike.map(say).join('; ')} ${unlike.length === 0 ? '' : odd.slice(0, 5).join('; ')}`.trim(), isMet: unlike.length === 0 }, // prettier-ignore
    { text: `pages of batches, background responses and those in a hurry: ${sum([...others.keys()], others)} seen, none of them uncounted ${missed.map(say).join('; ')}`.trim(), isMet: missed.length === 0 }, // prettier-ignore
  ]
}

/** Judges that the line of each request has as many pages as its ledger, and names who asked. */
export function judgeLines({ outcomes, gateways }: PageSources): Verdict {
  // The ledger of a dry run has no pages.
  const whole = outcomes.filter(({ pages, id }) => pages !== null && pages.length > 0 && id !== null)
  const unlike = whole.flatMap(({ caller, id, pages }) => {
    const line = gateways.map(({ lines }) => lines.get(id ?? '')).find((found) => found !== undefined)
    if (line?.key === caller.name && line.pages === pages?.length) return []
    return [`${id}: ${caller.name} saw ${pages?.length} pages, the log says ${JSON.stringify(line)}`]
  })
  const text = `${whole.length} ledgers have as many pages as their lines in the log ${unlike.slice(0, 5).join('; ')}`
  return { text: text.trim(), isMet: unlike.length === 0 }
}

interface UsageRow {
  readonly key: string | null
  readonly [count: string]: unknown
}

/** Judges that `GET /v1/usage` of every gateway has the pages and requests that the metrics have. */
export async function judgeUsage(
  urls: readonly string[],
  samples: readonly Sample[],
  asked: Counts,
): Promise<Verdict[]> {
  const counted = countedPages(samples)
  const verdicts: Verdict[] = []
  for (const url of urls) {
    const headers = { authorization: `Bearer ${await admin.credential()}` }
    const path = '/v1/usage'
    const response = await fetch(`${url}${path}?group_by=key&limit=1000`, { headers })
    countOne(asked, `${routeOf(path)} ${response.status}`)
    const { data = [] } = (await response.json()) as { data?: readonly UsageRow[] }
    const used: Counts = new Map()
    for (const row of data)
      for (const status of STATUSES)
        countOne(used, `${labelOf(row.key ?? 'none')} ${status}`, Number(row[`pages_${status}`]))
    const keys = [...new Set([...used.keys(), ...counted.keys()])].filter((key) => !key.endsWith(' pending'))
    const unlike = keys.filter((key) => (used.get(key) ?? 0) !== (counted.get(key) ?? 0))
    const say = (key: string) => `${key}: ${used.get(key) ?? 0} used, ${counted.get(key) ?? 0} in metrics`
    const all = [...used.values()].reduce((sum, count) => sum + count, 0)
    const text = `${all} pages in /v1/usage, as in metrics ${unlike.map(say).join('; ')}`.trim()
    verdicts.push({ text, isMet: response.status === 200 && unlike.length === 0 })
  }
  return verdicts
}

const labelOf = (key: string): string => (key.startsWith('jwt:') ? 'jwt' : key)
