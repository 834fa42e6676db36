// A document of 500 pages, beside what the engines behind the gateway could do at best, and beside the simulator.
import { openDocument } from '../../gateway/document/open.ts'
import { createRasterizer } from '../../gateway/rasterizer/pool.ts'
import { oneDocument } from '../simulate/document.ts'
import { fixedRate } from '../simulate/scenario.ts'
import { simulate } from '../simulate/simulator.ts'
import { imagePart } from '../support/documents.ts'
import { launchFake } from './processes.ts'
import { connect, MODEL, readDocument } from './read-document.ts'
import { smallPages } from './small-pages.ts'
import { median } from './median.ts'
import { printBar, printTable, type Row } from './table.ts'
import { launchWarmGateway } from './warm-gateway.ts'
import { someone } from '../support/turn.ts'
import { makeSource } from '../support/make-source.ts'

const PAGES = 500
/** The most that a document may take, in times of the ideal. */
const maxRatio = (name: string): number => (name === 'uneven' ? 1.03 : 1.02)
/** So often each document is read, by a gateway that has just started: what the machine does meanwhile is a hundredth of a run. */
const RUNS = 3
/** How far what the simulator says may be from it, as a share. */
const MAX_DIFFERENCE = 0.05
/** What drawing one of these pages takes, for the simulator. */
const DRAW_SECONDS = 0.02

/** An engine of a fixed rate: `places` pages at once, each for `seconds`. */
interface Server {
  readonly places: number
  readonly seconds: number
}

const cases: Readonly<Record<string, readonly Server[]>> = {
  '16': [{ places: 16, seconds: 1 }],
  '64': [{ places: 64, seconds: 2 }],
  uneven: [
    { places: 4, seconds: 1 },
    { places: 16, seconds: 1 },
  ],
  slow: [
    { places: 16, seconds: 1 },
    { places: 16, seconds: 3 },
  ],
}

/** Runs all cases, or the one named, and prints a table; returns whether every bar was met. */
export async function benchSaturation(only?: string): Promise<boolean> {
  const chosen = Object.entries(cases).filter(([name]) => only === undefined || name === only)
  if (chosen.length === 0)
    throw new Error(`saturation has no case ${only}; its cases: ${Object.keys(cases).join(', ')}`)
  const document = smallPages(PAGES)
  const rows: Row[] = []
  const verdicts: boolean[] = []
  for (const [name, servers] of chosen) {
    const ideal = idealSeconds(servers)
    const found: Run[] = []
    const told: Run[] = []
    for (let run = 0; run < RUNS; run++) {
      found.push(await throughGateway(servers, document))
      const other = await throughToldGateway(servers, document)
      if (other !== null) told.push(other)
    }
    const ratios = (runs: readonly Run[]) => runs.map(({ seconds }) => seconds / ideal)
    const ratio = median(ratios(found))
    const simulated = simulatedSeconds(servers)
    const difference = Math.abs((ratio * ideal) / simulated - 1)
    rows.push({
      case: `${name}: ${servers.map(({ places, seconds: each }) => `${places} × ${each} s`).join(' and ')}`,
      'ideal s': ideal.toFixed(1),
      'of ideal': ratio.toFixed(3),
      'from, to': range(ratios(found)),
      'told the limit': told.length === 0 ? '' : median(ratios(told)).toFixed(3),
      'simulated s': simulated.toFixed(2),
      'first text s': median(found.map(({ firstTextSeconds }) => firstTextSeconds ?? NaN)).toFixed(2),
    })
    const most = maxRatio(name)
    verdicts.push(printBar(`${name}: ${ratio.toFixed(3)} times the ideal, at most ${most}`, ratio <= most))
    const apart = `${name}: ${(difference * 100).toFixed(1)} % from what is simulated, at most ${MAX_DIFFERENCE * 100} %`
    verdicts.push(printBar(apart, difference <= MAX_DIFFERENCE))
    for (const { faults } of found) if (faults !== null) verdicts.push(printBar(`${name}: ${faults}`, false))
  }
  printTable(rows)
  if (only === undefined) await printNaive(document)
  return verdicts.every(Boolean)
}

/**
 * The first moment at which servers of a fixed rate can have read all pages: the least T with the sum of
 * places × floor(T ÷ seconds) at least PAGES. A round that is not full takes as long as one that is.
 */
function idealSeconds(servers: readonly Server[]): number {
  const ends = servers.flatMap(({ seconds }) => Array.from({ length: PAGES }, (_, round) => (round + 1) * seconds))
  const read = (time: number) =>
    servers.reduce((pages, { places, seconds }) => pages + places * Math.floor(time / seconds + 1e-9), 0)
  return ends.toSorted((a, b) => a - b).find((time) => read(time) >= PAGES) ?? NaN
}

const range = (values: readonly number[]): string =>
  [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(3)).join(' ')

function simulatedSeconds(servers: readonly Server[]): number {
  const engines = servers.map(({ places, seconds }) => fixedRate(places, seconds))
  return simulate(oneDocument(PAGES, engines, DRAW_SECONDS)).endedAt
}

function launchServer({ places, seconds }: Server) {
  return launchFake(['--model', MODEL, '--serve', String(places), '--seconds', String(seconds)])
}

/** The same where the limit is told, with a tenth more as it would be found: what is left is the way to the servers. Null where they have different ones. */
async function throughToldGateway(servers: readonly Server[], document: Uint8Array) {
  const [{ places } = { places: 0 }] = servers
  if (servers.some((server) => server.places !== places)) return null
  return throughGateway(servers, document, { GATEWAY_UPSTREAM_CONCURRENCY: `${Math.ceil(places * 1.1)}` })
}

type Run = Awaited<ReturnType<typeof throughGateway>>

async function throughGateway(
  servers: readonly Server[],
  document: Uint8Array,
  environment: Readonly<Record<string, string>> = {},
) {
  await using stack = new AsyncDisposableStack()
  const fakes = []
  for (const server of servers) fakes.push(stack.use(await launchServer(server)))
  const gateway = stack.use(
    await launchWarmGateway(
      fakes.map(({ url }) => url),
      environment,
    ),
  )
  const client = connect(gateway.url)
  await readDocument(client, smallPages(4, 4000))
  const reading = await readDocument(client, document)
  const faults =
    reading.pagesRead === PAGES && reading.inOrder
      ? null
      : `${reading.pagesRead} of ${PAGES} pages are ok, ${reading.inOrder ? 'in' : 'not in'} order`
  return { ...reading, faults }
}

const NAIVE_SAMPLE = 20

/** What a script without a gateway does: draw a page, send it, wait, next. Measured on a few pages. */
async function printNaive(document: Uint8Array): Promise<void> {
  await using fake = await launchServer({ places: 16, seconds: 1 })
  const client = connect(fake.url.replace(/\/v1$/, ''))
  const limits = { pageTimeoutSeconds: 60, openTimeoutSeconds: 60, maxImagePixels: 1e9 }
  const rasterizer = createRasterizer({ threads: 1, ...limits })
  const { signal } = new AbortController()
  const source = makeSource(document)
  const rasterization = { pixelBudget: { longestEdge: 1540, maxPixels: 1540 * 1540 }, mediaType: 'image/png' as const }
  const opened = await openDocument(source, rasterizer, { maxDocumentBytes: 1e9, turn: someone }, signal)
  const startedAt = performance.now()
  for (let page = 1; page <= NAIVE_SAMPLE; page++) {
    const image = await opened.rasterize(page, rasterization, signal)
    const content = [imagePart(image.data, image.mediaType)]
    await client.chat.completions.create({ model: MODEL, messages: [{ role: 'user', content }] })
  }
  const perPage = (performance.now() - startedAt) / 1000 / NAIVE_SAMPLE
  await rasterizer.close()
  process.stdout.write(
    `one page after the other, without a gateway: ${perPage.toFixed(3)} s a page of 1 s (${NAIVE_SAMPLE} pages measured), ` +
      `which makes ${(perPage * PAGES).toFixed(0)} s for ${PAGES} (extrapolated)\n`,
  )
}
