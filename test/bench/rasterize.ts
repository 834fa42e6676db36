// PDF pages to PNG and JPEG: the gateway's rasterizers beside pypdfium2 with Pillow and poppler, on one core each.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pageSets, type PageSet } from './rasterize-sets.ts'
import { printBar, printTable, type Row } from './table.ts'

/** What drawing a set once took. */
interface Measurement {
  readonly pages: number
  readonly cpuSeconds: number
  readonly wallSeconds: number
  readonly peakMegabytes: number | null
}

/** One who draws: given the files, the command that draws all their pages `PASSES` times and tells how long it took. */
interface Contender {
  readonly name: string
  readonly rounds: number
  readonly measure: (kind: Kind, files: readonly string[]) => Promise<Measurement>
}

type Kind = 'png' | 'jpeg'

const PASSES = 2
const MAX_PAGES = 5
/** Contenders take turns so often, and each one's best counts: what else the machine does only ever adds. */
const ROUNDS = 2
const OURS = 'gateway, auto'
const BASE = 'pypdfium2 + Pillow'
const LEVEL_1 = `${BASE} level 1`

const peers = join(import.meta.dirname, 'peers')
const run = promisify(execFile)

/** Runs the benchmark, or one of its sets by name, and prints its tables; returns whether every bar was met. */
export async function benchRasterize(only?: string): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'ocr-gateway-bench-'))
  try {
    const all = await pageSets(folder)
    const sets = all.filter(({ name }) => only === undefined || name === only)
    if (sets.length === 0)
      throw new Error(`rasterize has no set ${only}; its sets: ${all.map(({ name }) => name).join(', ')}`)
    const contenders = await presentContenders(folder)
    const verdicts: boolean[] = []
    for (const kind of ['png', 'jpeg'] as const) {
      const rows: Row[] = []
      for (const set of sets) {
        const results = await measureSet(set, kind, contenders)
        rows.push(...toRows(set, results))
        for (const bar of barsOf(set, kind)) verdicts.push(verdict(set.name, bar, results))
      }
      process.stdout.write(`\n${kind === 'png' ? 'PNG out' : 'JPEG of quality 95 out'}, longest edge 1540\n`)
      printTable(rows)
    }
    return verdicts.every(Boolean)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function measureSet(set: PageSet, kind: Kind, contenders: readonly Contender[]) {
  const best = new Map<string, Measurement>()
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, rounds, measure } of contenders) {
      if (round >= rounds) continue
      const fresh = await measure(kind, set.files)
      const known = best.get(name)
      if (known === undefined || perPage(fresh) < perPage(known)) best.set(name, fresh)
    }
  }
  return best
}

function perPage({ cpuSeconds, pages }: Measurement): number {
  return (cpuSeconds * 1000) / pages
}

function toRows({ name: set }: PageSet, results: ReadonlyMap<string, Measurement>): Row[] {
  const base = results.get(BASE)
  return [...results].map(([name, measurement], index) => ({
    set: index === 0 ? set : '',
    'drawn by': name,
    'CPU ms/page': perPage(measurement).toFixed(1),
    'pages/s per core': (measurement.pages / measurement.cpuSeconds).toFixed(1),
    [`of ${BASE}`]: base === undefined ? '' : ratio(measurement, base).toFixed(2),
    'peak MB': measurement.peakMegabytes?.toFixed(0) ?? '',
  }))
}

function ratio(measurement: Measurement, base: Measurement): number {
  return perPage(base) / perPage(measurement)
}

/** How many times as fast as a peer the gateway is to be. */
interface Bar {
  readonly peer: string
  readonly least: number
}

function barsOf({ bars }: PageSet, kind: Kind): readonly Bar[] {
  if (kind === 'jpeg') return bars.jpeg === undefined ? [] : [{ peer: BASE, least: bars.jpeg }]
  return [
    { peer: BASE, least: bars.png },
    { peer: LEVEL_1, least: bars.png1 },
  ]
}

function verdict(set: string, { peer, least }: Bar, results: ReadonlyMap<string, Measurement>): boolean {
  const [ours, base] = [results.get(OURS), results.get(peer)]
  if (ours === undefined) return printBar(`${set}: not measured`, false)
  if (base === undefined) {
    // Named above as missing; without it there is no bar to meet or to miss.
    process.stdout.write(`no bar ${set}: ${peer} is not there\n`)
    return true
  }
  const times = ratio(ours, base)
  return printBar(`${set}: ${times.toFixed(2)} times as fast as ${peer}, at least ${least}`, times >= least)
}

/** Peers are used where they are installed; one that is missing is named. */
async function presentContenders(folder: string): Promise<readonly Contender[]> {
  const pin = await pinning()
  const python = await works('python3', ['-c', 'import pypdfium2, PIL'])
  const poppler = await works('pdftoppm', ['-v'])
  if (!python) process.stdout.write('missing: pypdfium2 and Pillow (pip install pypdfium2 pillow)\n')
  if (!poppler) process.stdout.write('missing: pdftoppm (Debian: apt-get install poppler-utils)\n')
  const lanes = (['auto', 'pdfium', 'pdfjs'] as const).map((lane) => ({
    name: `gateway, ${lane}`,
    // pdf.js decides nothing here and takes minutes.
    rounds: lane === 'pdfjs' ? 1 : ROUNDS,
    measure: (kind: Kind, files: readonly string[]) =>
      measureCommand([...pin, process.execPath, join(peers, 'gateway-rasterizer.ts'), lane, kind, ...sizes(files)]),
  }))
  const script = join(peers, 'pypdfium2-pillow.py')
  const pillow = [
    { name: BASE, png: 'png' },
    { name: LEVEL_1, png: 'png1' },
  ].map(({ name, png }) => ({
    name,
    rounds: ROUNDS,
    measure: (kind: Kind, files: readonly string[]) =>
      measureCommand([...pin, 'python3', script, kind === 'png' ? png : kind, ...sizes(files)]),
  }))
  const pdftoppm = {
    name: 'pdftoppm',
    rounds: 1,
    measure: (kind: Kind, files: readonly string[]) => measurePdftoppm(pin, kind, files, folder),
  }
  return [...lanes, ...(python ? pillow : []), ...(poppler ? [pdftoppm] : [])]
}

function sizes(files: readonly string[]): string[] {
  return [String(PASSES), String(MAX_PAGES), ...files]
}

async function measureCommand([command = '', ...args]: readonly string[]): Promise<Measurement> {
  const { stdout } = await run(command, args)
  return JSON.parse(stdout) as Measurement
}

/** poppler draws a file and ends, so that its start counts too; the shell knows what its children took. */
async function measurePdftoppm(pin: readonly string[], kind: Kind, files: readonly string[], folder: string) {
  const format = kind === 'png' ? '-png' : '-jpeg -jpegopt quality=95'
  const script = `for file; do pdftoppm ${format} -scale-to 1540 -l ${MAX_PAGES} "$file" "$0/page"; done; times; ls "$0" | grep -c ^page; rm "$0"/page*`
  const commands = files.map(async (file) => {
    const own = mkdtempSync(join(folder, 'poppler-'))
    const startedAt = performance.now()
    const [command, ...args] = [...pin, 'sh', '-c', script, own, file]
    const { stdout } = await run(command, args)
    const [, children = '', pages = '0'] = stdout.trim().split('\n')
    return {
      pages: Number(pages),
      cpuSeconds: secondsOf(children),
      wallSeconds: (performance.now() - startedAt) / 1000,
    }
  })
  const parts = await Promise.all(commands)
  const sum = (of: (part: (typeof parts)[number]) => number) => parts.reduce((total, part) => total + of(part), 0)
  return {
    pages: sum(({ pages }) => pages),
    cpuSeconds: sum(({ cpuSeconds }) => cpuSeconds),
    wallSeconds: sum(({ wallSeconds }) => wallSeconds),
    peakMegabytes: null,
  }
}

/** `0m1.230s 0m0.040s`: user and system time. */
function secondsOf(times: string): number {
  return [...times.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  )
}

/** One core each, where the system can say so. */
async function pinning(): Promise<readonly string[]> {
  return (await works('taskset', ['-c', '0', 'true'])) ? ['taskset', '-c', '0'] : []
}

async function works(command: string, args: readonly string[]): Promise<boolean> {
  return run(command, args).then(
    () => true,
    () => false,
  )
}
