// A request of one page while a document of 2,000 pages is being read, beside the same on an idle gateway.
import type OpenAI from 'openai'
import { launchFake, launchGateway } from './processes.ts'
import { connect, MODEL, readDocument } from './read-document.ts'
import { smallPages } from './small-pages.ts'
import { printBar, printTable, type Row } from './table.ts'

const JOB_PAGES = 2000
const SAMPLES = 15
const MIN_SAMPLES = 8
/** Between two requests; together they see the job from its first pages into its middle. */
const PAUSE_SECONDS = 1
/** The most that the median request may take, in times of an idle gateway's. */
const MAX_RATIO = 2

const cases: Readonly<Record<string, { readonly places: number; readonly seconds: number }>> = {
  '8': { places: 8, seconds: 0.5 },
  '32': { places: 32, seconds: 1 },
}

/** Runs all cases, or the one named, and prints a table; returns whether every bar was met. */
export async function benchFairness(only?: string): Promise<boolean> {
  const chosen = Object.entries(cases).filter(([name]) => only === undefined || name === only)
  if (chosen.length === 0) throw new Error(`fairness has no case ${only}; its cases: ${Object.keys(cases).join(', ')}`)
  const rows: Row[] = []
  const verdicts: boolean[] = []
  for (const [name, { places, seconds }] of chosen) {
    await using fake = await launchFake(['--model', MODEL, '--serve', String(places), '--seconds', String(seconds)])
    await using gateway = await launchGateway([fake.url])
    const client = connect(gateway.url)
    await readDocument(client, smallPages(4, 4000))
    const idle = await sample(client, 3000, 0)
    const { times, pagesPerSecond } = await besideJob(client)
    const ratio = median(times) / median(idle)
    rows.push({
      case: `${places} at once × ${seconds} s`,
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

async function besideJob(client: OpenAI): Promise<{ times: readonly number[]; pagesPerSecond: number }> {
  const leave = new AbortController()
  const { promise: underWay, resolve } = Promise.withResolvers<void>()
  let pages = 0
  const onPage = () => {
    pages += 1
    resolve()
  }
  const job = readDocument(client, smallPages(JOB_PAGES), { signal: leave.signal, onPage })
  await Promise.race([underWay, job])
  const [startedAt, pagesBefore] = [performance.now(), pages]
  const times = await sample(client, 3500, PAUSE_SECONDS, () => pages < JOB_PAGES)
  const pagesPerSecond = (pages - pagesBefore) / ((performance.now() - startedAt) / 1000)
  leave.abort()
  // The client throws when it is aborted before its answer, and merely ends afterwards.
  await job.catch(() => {})
  return { times, pagesPerSecond }
}

/** Asks for pages that no cache knows, one after the other; returns how long each took, in seconds. */
async function sample(
  client: OpenAI,
  firstNumber: number,
  pauseSeconds: number,
  goesOn: () => boolean = () => true,
): Promise<readonly number[]> {
  const times: number[] = []
  for (let index = 0; index < SAMPLES; index++) {
    await new Promise((resolve) => setTimeout(resolve, pauseSeconds * 1000))
    const { seconds, pagesRead } = await readDocument(client, smallPages(1, firstNumber + index))
    if (pagesRead !== 1) throw new Error('a request of one page was not read')
    // One that saw the job end was not beside it.
    if (!goesOn()) break
    times.push(seconds)
  }
  if (times.length < MIN_SAMPLES) throw new Error(`the long job ended after ${times.length} samples`)
  return times
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN
}
