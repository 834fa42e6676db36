// The largest input of a batch, looked at by a gateway in a process of its own: 50,000 lines of 195 MB, and as many of which
// one is as long as all others together.
import { measureValidation } from '../support/batch-validation.ts'
import { printBar, printTable, type Row } from './table.ts'

const LINES = 50_000
const MEGABYTES = 195
const MAX_SECONDS = 60
const MAX_MEGABYTES = 400
const MAX_HOLD = 200

/** Measures both, and tells whether they keep within the bars. */
export async function benchBatchSizes(): Promise<boolean> {
  const rows: Row[] = []
  let isGood = true
  for (const hasLongLine of [false, true]) {
    const { seconds, peakMegabytes, longestHold } = await measureValidation(LINES, MEGABYTES, hasLongLine)
    rows.push({
      '': hasLongLine ? 'one long line' : 'equal lines',
      seconds: seconds.toFixed(1),
      'peak memory, MB': peakMegabytes.toFixed(0),
      'event loop held, ms': `${longestHold}`,
    })
    const isRight = seconds < MAX_SECONDS && peakMegabytes < MAX_MEGABYTES && longestHold < MAX_HOLD
    isGood =
      printBar(`${hasLongLine ? 'one long line' : 'equal lines'}: time, memory and event loop`, isRight) && isGood
  }
  printTable(rows)
  return isGood
}
