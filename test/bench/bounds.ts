// Hostile files, all of them, with the default settings: what each took of the gateway, and of others.
import { firstOfEach, hostileFiles } from '../fixtures/hostile/hostile-files.ts'
import type { HostileFile } from '../fixtures/hostile/hostile-file.ts'
import { memoryAfter, missedBars, type Bars } from '../support/bounds/bars.ts'
import { joined, quantile, startHostileRun, type FileReport, type HostileRun } from '../support/bounds/hostile-run.ts'
import type { Watched } from '../support/bounds/watch-gateway.ts'
import { printBar, printTable, type Row } from './table.ts'

/** The default of `GATEWAY_RASTERIZE_TIMEOUT_SECONDS`: to open a document, and to draw its page. */
const PAGE_LIMIT_SECONDS = 60
const AT_ONCE = 8
const PER_FAMILY_AT_ONCE = 3

const bars: Bars = {
  memory: 1200,
  memoryAfter: 500,
  health: 100,
  page: 1000,
  longestPage: 1000,
  answer: 2 * PAGE_LIMIT_SECONDS + 5,
}

/** Sends the files of every family, or of those whose names have these words, and prints a table for each. */
export async function benchBounds(only = ''): Promise<boolean> {
  const chosen = hostileFiles.filter(({ family, file }) => family.includes(only) || file.includes(only))
  if (chosen.length === 0) throw new Error(`there are no hostile files called ${only}`)
  await using run = await startHostileRun({ answerLimitSeconds: AT_ONCE * bars.answer })
  const alone: Watched[] = []
  const reports: FileReport[] = []
  for (const [family, files] of Map.groupBy(chosen, ({ family }) => family)) {
    const sent = await sendEach(run, files)
    process.stdout.write(`\n${family}\n`)
    printTable(sent.map(({ row }) => row))
    alone.push(...sent.map(({ watched }) => watched))
    reports.push(...sent.map(({ report }) => report))
  }
  const isMetAlone = await verdict(run, 'one at a time', joined(alone), reports)
  const together = await run.sendAll(firstOfEach(chosen, PER_FAMILY_AT_ONCE), AT_ONCE)
  const isMetTogether = await verdict(run, 'eight at once', await run.watcher.look(), together)
  return isMetAlone && isMetTogether
}

async function sendEach(run: HostileRun, files: readonly HostileFile[]) {
  const sent: { readonly row: Row; readonly report: FileReport; readonly watched: Watched }[] = []
  for (const file of files) {
    const report = await run.send(file)
    const watched = await run.watcher.look()
    sent.push({ report, watched, row: rowOf(report, watched) })
  }
  return sent
}

function rowOf({ file, bytes, seconds, outcome }: FileReport, watched: Watched): Row {
  const { peakMegabytes, peakResidentMegabytes, healthMs, pageMs } = watched
  return {
    file,
    bytes: String(bytes),
    answer: outcome,
    seconds: seconds.toFixed(1),
    'peak MB': peakMegabytes.toFixed(),
    'summed RSS': peakResidentMegabytes.toFixed(),
    '/health p99 ms': quantile(healthMs, 0.99).toFixed(),
    "worst of another key's pages ms": Math.max(0, ...pageMs).toFixed(),
  }
}

async function verdict(run: HostileRun, name: string, watched: Watched, reports: readonly FileReport[]) {
  const missed = missedBars(run, name === 'one at a time' ? bars : { ...bars, answer: Infinity }, watched, reports)
  const left = await memoryAfter(run, bars.memoryAfter)
  const after = `${name}: ${left.toFixed()} MB half a minute after, at most ${bars.memoryAfter}`
  const lines = missed.map((line) => printBar(`${name}: ${line}`, false))
  const isGivenBack = printBar(after, left < bars.memoryAfter)
  return lines.length === 0 ? printBar(`${name}: every other bar`, isGivenBack) : false
}
