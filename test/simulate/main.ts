// `npm run simulate`: what a flow of documents needs, and what it then sees, simulated. Without flags the table of
// docs/operating/sizing.md, which `--write` puts there.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { busiestHours, defaults, plan, type Figures } from './plan.ts'
import { simulate, type Outcome } from './simulator.ts'

const USAGE = `npm run simulate -- [--pages-per-day N] [--peak TIMES] [--known SHARE] [--gpu-rate PAGES_PER_SECOND]
  [--gpu-places N] [--solo-seconds S] [--core-seconds S] [--cores N] [--gpus N] [--gateways N] [--hours N] [--write]
`

const page = join(import.meta.dirname, '../../docs/operating/sizing.md')
/** More are cells of their own: docs/operating/sizing.md, "Cells". */
const MOST_OF_A_CELL = 10e6

interface Row {
  readonly name: string
  readonly cells: number
  readonly figures: Figures
  readonly gpus?: number | undefined
  readonly gateways?: number | undefined
  readonly hours?: number | undefined
}

/** The rows of the table in the docs. */
const rows: readonly Row[] = [1e6, 10e6, 100e6].flatMap((pagesPerDay) =>
  [2.2, 1].map((peak) => {
    const cells = Math.ceil(pagesPerDay / MOST_OF_A_CELL)
    const name = `${pagesPerDay / 1e6} million, ${peak === 1 ? 'all day long' : 'in office hours'}`
    return { name, cells, figures: { ...defaults, peak, pagesPerDay: pagesPerDay / cells } }
  }),
)

const seconds = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0))
const pair = (value: Outcome['pageSeconds']): string =>
  `${seconds(value.quantile(0.5))} / ${seconds(value.quantile(0.95))}`

const played = new Map<string, Outcome>()

/** Simulates what was not simulated yet: the cells of one row may be those of another. */
function play(figures: Figures, gpus: number, gateways: number, hours?: number): Outcome {
  const key = JSON.stringify([figures, gpus, gateways, hours])
  const outcome = played.get(key) ?? simulate(busiestHours(figures, gpus, gateways, hours))
  played.set(key, outcome)
  return outcome
}

function writeRow({ name, cells, figures, hours, ...asked }: Row): string[] {
  const planned = plan(figures)
  const { gpus = planned.gpus, gateways = planned.gateways } = asked
  const all = play(figures, gpus, gateways, hours)
  const less = gpus > 1 && gateways > 1 ? play(figures, gpus - 1, gateways - 1, hours) : null
  const times = cells === 1 ? '' : `${cells} × `
  return [
    name,
    (planned.peakPagesPerSecond * cells).toFixed(0),
    `${times}${gpus}`,
    `${times}${gateways} × ${figures.coresPerGateway}`,
    `${planned.gatewayGigabytes} GB`,
    `${times}${planned.redisGigabytes} GB`,
    pair(all.singleSeconds),
    pair(all.documentSeconds),
    String(all.mostQueued),
    `${(all.engineLoad * 100).toFixed(0)} %`,
    `${(all.drawerUse * 100).toFixed(0)} %`,
    less === null ? '' : pair(less.singleSeconds),
  ]
}

const HEAD = ['pages a day', 'pages/s at most', 'H100', 'gateways × cores', 'memory of each', 'Redis, for each day kept', 'one page, s', 'document, s', 'most queued', 'GPUs busy', 'drawers busy', 'one page with one GPU and one gateway less, s'] // prettier-ignore

function writeTable(of: readonly Row[]): string {
  const lines = [HEAD, HEAD.map((_, index) => (index === 0 ? '---' : '--:')), ...of.map(writeRow)]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function readFlags(): { row: Row | null; writes: boolean } {
  const names = ['pages-per-day', 'peak', 'known', 'gpu-rate', 'gpu-places', 'solo-seconds', 'core-seconds', 'cores', 'gpus', 'gateways', 'hours'] as const // prettier-ignore
  const text = { type: 'string' } as const
  const options = Object.fromEntries(names.map((name) => [name, text]))
  const parsed = parseArgs({ options: { ...options, write: { type: 'boolean' }, help: { type: 'boolean' } } })
  const values: Record<string, string | boolean | undefined> = parsed.values
  if (values['help'] === true) throw new Error(USAGE)
  const number = (name: (typeof names)[number]): number | undefined => {
    const value = values[name]
    if (value === undefined) return undefined
    if (!(Number(value) >= 0)) throw new Error(`--${name} is a number\n${USAGE}`)
    return Number(value)
  }
  const figures: Figures = {
    pagesPerDay: number('pages-per-day') ?? defaults.pagesPerDay,
    peak: number('peak') ?? defaults.peak,
    knownShare: number('known') ?? defaults.knownShare,
    gpuPagesPerSecond: number('gpu-rate') ?? defaults.gpuPagesPerSecond,
    gpuPlaces: number('gpu-places') ?? defaults.gpuPlaces,
    soloSeconds: number('solo-seconds') ?? defaults.soloSeconds,
    coreSeconds: number('core-seconds') ?? defaults.coreSeconds,
    coresPerGateway: number('cores') ?? defaults.coresPerGateway,
  }
  const isAsked = names.some((name) => values[name] !== undefined)
  const row = { name: String(figures.pagesPerDay), cells: 1, figures, gpus: number('gpus'), gateways: number('gateways'), hours: number('hours') } // prettier-ignore
  return { row: isAsked ? row : null, writes: values['write'] === true }
}

try {
  const { row, writes } = readFlags()
  const table = writeTable(row === null ? rows : [row])
  if (writes && row === null)
    writeFileSync(page, readFileSync(page, 'utf8').replace(/(<!-- simulated -->\n)[^]*(\n<!-- end -->)/, `$1\n${table}\n$2`)) // prettier-ignore
  process.stdout.write(`${table}\n`)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
