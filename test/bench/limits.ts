// The limit that is found beside a server's places, and requests of one page beside a long document, from its first second on.
import type OpenAI from 'openai'
import { setTimeout as delay } from 'node:timers/promises'
import { batching } from '../simulate/scenario.ts'
import { seededRandom, type SeededRandom } from '../support/seeded-random.ts'
import { median } from './median.ts'
import { launchFake } from './processes.ts'
import { connect, MODEL, readDocument } from './read-document.ts'
import { smallPages } from './small-pages.ts'
import { printBar, printTable, type Row } from './table.ts'
import { launchWarmGateway } from './warm-gateway.ts'

/**
 * So often each case is run, by a gateway that has just started, each time with a document that is a third of a round longer: where pages
 * end together, of how many the last round is makes two hundredths of a run.
 */
const RUNS = 3
/** How long the document lasts at best. */
const JOB_SECONDS = 32
const SAMPLES = 20
/** The requests of one page begin at random moments between these. */
const FIRST_SECOND = 1
const LAST_SECOND = 26
const IDLE_SAMPLES = 5
/** The limit is steady from here on, until the document is nearly read. */
const STEADY_FROM = 12
const STEADY_UNTIL = 28
/** The most that the steady limit may be, in times of the places, and requests may take, in times of an idle gateway's. */
const MAX_LIMIT = 1.25
const MAX_MEDIAN = 1.6
const MAX_WORST = 2.3
/** The least share of what the server can do. */
const MIN_THROUGHPUT = 0.98

interface Case {
  readonly places: number
  /** How long a page takes in the full server. */
  readonly seconds: number
  /** The same in an empty one, where it slows down as it fills. */
  readonly alone?: number
  /** It takes all pages at once, and beyond its places they take the longer, the more they are. */
  readonly takesAll?: boolean
}

const cases: Readonly<Record<string, Case>> = {
  '4': { places: 4, seconds: 0.8 },
  '16': { places: 16, seconds: 1 },
  '32': { places: 32, seconds: 2 },
  '64': { places: 64, seconds: 2 },
  sharing: { places: 16, seconds: 1, takesAll: true },
  'sharing-32': { places: 32, seconds: 2, alone: 1.5, takesAll: true },
  filling: { places: 32, seconds: 2, alone: 1.5 },
}

/** Runs all cases, or the one named, and prints a table; returns whether every bar was met. */
export async function benchLimits(only?: string): Promise<boolean> {
  const chosen = Object.entries(cases).filter(([name]) => only === undefined || name === only)
  if (chosen.length === 0) throw new Error(`limits has no case ${only}; its cases: ${Object.keys(cases).join(', ')}`)
  const rows: Row[] = []
  const verdicts: boolean[] = []
  for (const [name, each] of chosen) {
    const { places, seconds, alone = seconds, takesAll = false } = each
    const runs: CaseRun[] = []
    for (let run = 0; run < RUNS; run++) runs.push(await runCase(each, run))
    const throughputs = runs.map((run) => run.throughput)
    const throughput = median(throughputs)
    const limit = Math.max(...runs.map((run) => run.limit))
    // Of all requests of one page, in times of what one took while its gateway was idle.
    const ratios = runs.flatMap(({ times, idle }) => times.map((time) => time / idle))
    const [middle, worst] = [median(ratios), Math.max(...ratios)]
    rows.push({
      case: `${places} × ${alone === seconds ? '' : `${alone} to `}${seconds} s${takesAll ? ', takes all' : ''}`,
      'steady limit': runs.map((run) => run.limit).join(' '),
      highest: `${Math.max(...runs.map(({ most }) => most))}`,
      throughput: throughput.toFixed(3),
      'of each run': throughputs.map((each) => each.toFixed(3)).join(' '),
      'idle s': median(runs.map(({ idle }) => idle)).toFixed(2),
      'beside: median': middle.toFixed(2),
      worst: worst.toFixed(2),
    })
    const bars = [
      [`limit ${limit}, at most ${places * MAX_LIMIT}`, limit <= places * MAX_LIMIT],
      [`${throughput.toFixed(3)} of the ideal, at least ${MIN_THROUGHPUT}`, throughput >= MIN_THROUGHPUT],
      [`median ${middle.toFixed(2)} times idle, at most ${MAX_MEDIAN}`, middle <= MAX_MEDIAN],
      [`worst ${worst.toFixed(2)} times idle, at most ${MAX_WORST}`, worst <= MAX_WORST],
    ] as const
    for (const [text, isMet] of bars) verdicts.push(printBar(`${name}: ${text}`, isMet))
  }
  printTable(rows)
  return verdicts.every(Boolean)
}

type CaseRun = Awaited<ReturnType<typeof runCase>>

async function runCase({ places, seconds, alone = seconds, takesAll = false }: Case, run: number) {
  const flags = ['--model', MODEL, '--serve', `${places}`, '--seconds', `${seconds}`, '--alone', `${alone}`]
  if (takesAll) flags.push('--takes-all')
  await using fake = await launchFake(flags)
  await using gateway = await launchWarmGateway([fake.url])
  const client = connect(gateway.url)
  const idle: number[] = []
  for (let page = 0; page < IDLE_SAMPLES; page++) idle.push(await timePage(client, 3000 + page))
  const pages = Math.floor((JOB_SECONDS / seconds + run / RUNS) * places)
  const document = smallPages(pages)
  const startedAt = performance.now()
  const since = () => (performance.now() - startedAt) / 1000
  const job = readDocument(client, document).then(({ pagesRead }) => ({ pagesRead, took: since() }))
  const limits = watchLimit(gateway.url, since)
  const [{ pagesRead, took }, times] = await Promise.all([job, sample(client, since, seededRandom(7 + run))])
  const { steady, most } = await limits
  if (pagesRead !== pages) throw new Error(`${pagesRead} of ${pages} pages were read`)
  const ideal = idealSeconds({ places, seconds, alone }, pages + times.length)
  return { idle: median(idle), limit: steady, most, throughput: ideal / took, times }
}

/** Rounds of all places, and a last one of what is left, which is quicker where a server slows down as it fills. */
function idealSeconds({ places, seconds, alone }: Required<Omit<Case, 'takesAll'>>, pages: number): number {
  const [rounds, left] = [Math.floor(pages / places), pages % places]
  const { secondsAt } = batching(places, places / seconds, alone)
  return rounds * seconds + (left === 0 ? 0 : secondsAt(left))
}

async function sample(client: OpenAI, since: () => number, random: SeededRandom): Promise<readonly number[]> {
  const begin = async (page: number) => {
    await delay((FIRST_SECOND + random.next() * (LAST_SECOND - FIRST_SECOND) - since()) * 1000)
    return timePage(client, 3500 + page)
  }
  return Promise.all(Array.from({ length: SAMPLES }, (_, page) => begin(page)))
}

async function timePage(client: OpenAI, number: number): Promise<number> {
  const { seconds, pagesRead } = await readDocument(client, smallPages(1, number))
  if (pagesRead !== 1) throw new Error('a request of one page was not read')
  return seconds
}

/** Returns the highest limit, ever and while it is steady. */
async function watchLimit(url: string, since: () => number): Promise<{ steady: number; most: number }> {
  let [steady, most] = [0, 0]
  while (since() < STEADY_UNTIL) {
    const metrics = await (await fetch(`${url}/metrics`)).text()
    const limit = Number(/^ocr_gateway_upstream_limit\{[^}]*\} (\S+)/m.exec(metrics)?.[1] ?? NaN)
    most = Math.max(most, limit)
    if (since() >= STEADY_FROM) steady = Math.max(steady, limit)
    await delay(200)
  }
  return { steady, most }
}
