// A thousand requests in one batch, some of real scans and of documents that need a password, while everything that works on it is killed with -9, twice each, at random: two gateways
// and Redis, or one gateway alone. `batch-kills:3` is seed 3.
import { runBatchThroughKills } from '../support/batch-kills.ts'
import { printBar, printTable, type Row } from './table.ts'

const REQUESTS = 1000
const TIMEOUT_MS = 900_000

/** Runs both, and tells whether every request was answered once, and no page asked again that was kept. */
export async function benchBatchKills(only?: string): Promise<boolean> {
  const seed = Number(only ?? 1)
  const rows: Row[] = []
  let isGood = true
  for (const gateways of [2, 1]) {
    const outcome = await runBatchThroughKills({
      requests: REQUESTS,
      seed,
      gateways,
      kills: 2,
      pageMs: 300,
      hasReal: true,
      timeoutMs: TIMEOUT_MS,
      onEvent: (event) => process.stdout.write(`${event}\n`),
    })
    const { problems, pages, asked, inFlight, seconds, status, counts } = outcome
    const isRight = problems.length === 0 && status === 'completed' && asked <= pages + inFlight
    for (const problem of problems.slice(0, 10)) process.stdout.write(`${problem}\n`)
    rows.push({
      '': gateways === 1 ? 'one gateway' : `${gateways} gateways, Redis`,
      answered: `${counts?.completed} + ${counts?.failed} of ${counts?.total}`,
      pages: `${pages}`,
      asked: `${asked}`,
      'in flight at kills': `${inFlight}`,
      kills: `${outcome.kills}`,
      seconds: seconds.toFixed(0),
    })
    isGood = printBar(`${gateways} gateways: each request answered once, no kept page asked again`, isRight) && isGood
  }
  printTable(rows)
  return isGood
}
