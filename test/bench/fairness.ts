// A request of one page while a document of 2,000 pages or a batch is being read, beside the same on an idle gateway.
import type OpenAI from 'openai'
import { median } from './median.ts'
import { launchFake, launchGateway } from './processes.ts'
import { connect, MODEL, readDocument, type ReadOptions } from './read-document.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { smallPages } from './small-pages.ts'
import { printBar, printTable, type Row } from './table.ts'

const JOB_PAGES = 2000
const SAMPLES = 20
const MIN_SAMPLES = 8
/** Between two requests, at random up to so much; together they see the job from its first pages into its middle. */
const MAX_PAUSE_SECONDS = 2
/** One-page requests of a batch that are sent at a time. */
const SIDE_BY_SIDE = 100
/** The most that the median request may take, in times of an idle gateway's. */
const MAX_RATIO = 2

/** A server, and what it is busy with: `requests` are of one page each. */
interface Case {
  readonly places: number
  readonly seconds: number
  readonly job: 'document' | 'flex document' | 'flex requests'
}

const cases: Readonly<Record<string, Case>> = {
  '8': { places: 8, seconds: 0.5, job: 'document' },
  '32': { places: 32, seconds: 1, job: 'document' },
  'flex-4': { places: 4, seconds: 0.8, job: 'flex document' },
  'flex-16': { places: 16, seconds: 1, job: 'flex document' },
  'flex-32': { places: 32, seconds: 2, job: 'flex document' },
  'requests-4': { places: 4, seconds: 0.8, job: 'flex requests' },
  'requests-16': { places: 16, seconds: 1, job: 'flex requests' },
}

/** Runs all cases, or the one named, and prints a table; returns whether every bar was met. */
export async function benchFairness(only?: string): Promise<boolean> {
  const chosen = Object.entries(cases).filter(([name]) => only === undefined || name === only)
  if (chosen.length === 0) throw new Error(`fairness has no case ${only}; its cases: ${Object.keys(cases).join(', ')}`)
  const rows: Row[] = []
  const verdicts: boolean[] = []
  for (const [name, { places, seconds, job }] of chosen) {
    await using fake = await launchFake(['--model', MODEL, '--serve', String(places), '--seconds', String(seconds)])
    await using gateway = await launchGateway([fake.url])
    const client = connect(gateway.url)
    await readDocument(client, smallPages(4, 4000))
    const idle = await sample(client, 3000, 0)
    const { times, pagesPerSecond } = await besideJob(client, job)
    const ratio = median(times) / median(idle)
    rows.push({
      case: `${job}, ${places} at once × ${seconds} s`,
      'idle: median s': median(idle).toFixed(2),
      worst: Math.max(...idle).toFixed(2),
      'beside the job: median s': median(times).toFixed(2),
      'worst ': Math.max(...times).toFixed(2),
      'of idle': ratio.toFixed(2),
      'pages/s of the job': pagesPerSecond.toFixed(1),
      'at most': (places / seconds).toFixed(1),
    })
    verdicts.push(
      printBar(`${name}: ${ratio.toFixed(2)} times the idle gateway's, at most ${MAX_RATIO}`, ratio <= MAX_RATIO),
    )
  }
  printTable(rows)
  return verdicts.every(Boolean)
}

async function besideJob(
  client: OpenAI,
  kind: Case['job'],
): Promise<{ times: readonly number[]; pagesPerSecond: number }> {
  const leave = new AbortController()
  const { promise: underWay, resolve } = Promise.withResolvers<void>()
  let pages = 0
  const onPage = () => {
    pages += 1
    resolve()
  }
  const options = { signal: leave.signal, onPage, serviceTier: kind === 'document' ? 'auto' : 'flex' } as const
  const job =
    kind === 'flex requests' ? sendOneByOne(client, options) : readDocument(client, smallPages(JOB_PAGES), options)
  await Promise.race([underWay, job])
  const [startedAt, pagesBefore] = [performance.now(), pages]
  const times = await sample(client, 3500, MAX_PAUSE_SECONDS, () => pages < JOB_PAGES)
  const pagesPerSecond = (pages - pagesBefore) / ((performance.now() - startedAt) / 1000)
  leave.abort()
  // The client throws when it is aborted before its answer, and merely ends afterwards.
  await Promise.resolve(job).catch(() => {})
  return { times, pagesPerSecond }
}

/** Sends the job's pages in a request each, many at a time. */
async function sendOneByOne(client: OpenAI, options: ReadOptions): Promise<void> {
  let next = 1
  const work = async () => {
    while (next <= JOB_PAGES && options.signal?.aborted !== true) {
      await readDocument(client, smallPages(1, next++), options)
    }
  }
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work))
}

/** Asks for pages that no cache knows, one after the other; returns how long each took, in seconds. */
async function sample(
  client: OpenAI,
  firstNumber: number,
  maxPauseSeconds: number,
  goesOn: () => boolean = () => true,
): Promise<readonly number[]> {
  const times: number[] = []
  const random = seededRandom(7)
  for (let index = 0; index < SAMPLES; index++) {
    await new Promise((resolve) => setTimeout(resolve, random.next() * maxPauseSeconds * 1000))
    const { seconds, pagesRead } = await readDocument(client, smallPages(1, firstNumber + index))
    if (pagesRead !== 1) throw new Error('a request of one page was not read')
    // One that saw the job end was not beside it.
    if (!goesOn()) break
    times.push(seconds)
  }
  if (times.length < MIN_SAMPLES) throw new Error(`the long job ended after ${times.length} samples`)
  return times
}
