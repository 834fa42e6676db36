// `npm run quality`: how right the text of documents is whose text is known, read directly and through the gateway; writes
// report.md and report.html, and fails where the gateway makes a type of fact worse. docs/quality.md says what that means.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import sharp from 'sharp'
import { printTable } from '../bench/table.ts'
import { readBenchFolder } from './bench-folder.ts'
import { hasCorpus, readCorpusTruth } from './corpus.ts'
import type { KnownDocument } from './document.ts'
import { createPageDrawer, type PageDrawer } from './draw-pages.ts'
import { madeDocuments } from './made-documents.ts'
import { htmlReport } from './report-html.ts'
import { markdownReport, percent } from './report-markdown.ts'
import { runPreparation, runScripted, runServed, runTesseract, SCRIPTED, type RunOptions } from './runs.ts'
import { expectedGains } from './sides.ts'
import { allFacts, byAbout, byType, points, shortfalls, type Run } from './tally.ts'
import { worstPages, type WorstPage } from './worst-pages.ts'

const { values: options } = parseArgs({
  options: {
    /** Some of `scripted`, `tesseract` and `preparation`; none with `--url`, unless it is said. */
    runs: { type: 'string' },
    url: { type: 'string' },
    model: { type: 'string' },
    /** A folder in olmOCR-bench's format, in place of the documents of the corpus. */
    dir: { type: 'string' },
    /** Sets or kinds of documents, or part of a document's name. */
    only: { type: 'string' },
    /** Documents of each set. */
    limit: { type: 'string' },
    /** Pages of each document. */
    pages: { type: 'string', default: '6' },
    out: { type: 'string', default: 'out/quality' },
    worst: { type: 'string', default: '12' },
    'no-parts': { type: 'boolean', default: false },
  },
})

/** Two cores are what CI has. */
const THREADS = 2
/** The embedded engine takes seconds for each page: it reads so many short documents of each set, unless `--limit` says more. */
const TESSERACT_LIMIT = 2
const SHORT = 2
/** Scans that are turned: three copies of each are read three times. */
const TURNED = 2

process.exitCode = await main()

async function main(): Promise<number> {
  const notes: string[] = []
  const documents = chosen(allDocuments(notes))
  if (documents.length === 0) return fail(['no document is left: see --only and --dir'])
  await using drawer = createPageDrawer(THREADS)
  const runs = await runAll(documents, drawer)
  const most = positive('worst', options.worst)
  const worst = new Map(runs.map((run) => [run, worstPages(run, most)]))
  await mkdir(options.out, { recursive: true })
  const pictures = await takePictures([...worst.values()].flat(), drawer)
  await writeFile(join(options.out, 'report.md'), await markdownReport(runs, worst, notes))
  const html = htmlReport(runs, worst, notes, (page) => pictures.get(page) ?? null)
  await writeFile(join(options.out, 'report.html'), html)
  runs.forEach(print)
  say(`written: ${join(options.out, 'report.md')} and report.html`)
  return fail(judgeRuns(runs))
}

/** Real models may do this or that; the same answers must not become worse. */
function judgeRuns(runs: readonly Run[]): readonly string[] {
  return runs.flatMap((run) => (run.title === SCRIPTED ? shortfalls(run, expectedGains()) : []))
}

function allDocuments(notes: string[]): readonly KnownDocument[] {
  if (options.dir !== undefined) return readBenchFolder(options.dir, (text) => notes.push(`not judged: ${text}`))
  if (hasCorpus()) return [...madeDocuments(), ...readCorpusTruth()]
  notes.push('The documents of ../shared/corpus/truth are not there: only those that are made were read.')
  return madeDocuments()
}

function chosen(documents: readonly KnownDocument[]): readonly KnownDocument[] {
  const wanted = options.only?.split(',')
  const left = documents.filter(
    ({ name, family, category }) =>
      wanted === undefined || wanted.some((each) => each === family || each === category || name.includes(each)),
  )
  return options.limit === undefined ? left : limited(left, positive('limit', options.limit))
}

/** So many documents of each set, spread over all of it. */
function limited(documents: readonly KnownDocument[], most: number): readonly KnownDocument[] {
  return [...Map.groupBy(documents, ({ family }) => family).values()].flatMap((set) =>
    set.length <= most
      ? set
      : Array.from({ length: most }, (_, index) => set[Math.floor((index * set.length) / most)]!),
  )
}

async function runAll(documents: readonly KnownDocument[], drawer: PageDrawer): Promise<readonly Run[]> {
  const { url, model } = options
  const maxPages = positive('pages', options.pages)
  const shared: RunOptions = { drawer, maxPages, atOnce: THREADS, withParts: !options['no-parts'], say }
  const ordinary = options.dir === undefined ? 'scripted,tesseract,preparation' : 'tesseract'
  const names = (options.runs ?? (url === undefined ? ordinary : '')).split(',').filter((name) => name !== '')
  const unknown = names.filter((name) => !['scripted', 'tesseract', 'preparation'].includes(name))
  if (unknown.length > 0) throw new Error(`--runs takes scripted, tesseract and preparation, not ${unknown.join(', ')}`)
  const runs: Run[] = []
  if (names.includes('scripted')) runs.push(await runScripted(documents, shared))
  if (names.includes('tesseract')) {
    const short = documents.filter(({ pages }) => pages <= SHORT)
    const isAll = options.limit !== undefined || options.dir !== undefined
    const few = isAll ? documents : limited(short, TESSERACT_LIMIT)
    runs.push(await runTesseract(few, shared))
  }
  if (names.includes('preparation')) {
    const scans = documents.filter(
      ({ category, language, truths }) =>
        category === 'scan' && /^(?:en|zh|mul)/.test(language) && truths.some(({ trust }) => trust === 'exact'),
    )
    if (scans.length > 0) runs.push(await runPreparation(scans.slice(0, TURNED), shared))
  }
  if (url !== undefined) {
    if (model === undefined) throw new Error('--url needs --model: the name that the server gives it')
    const apiKey = process.env['QUALITY_API_KEY'] ?? null
    runs.push(await runServed({ url: url.replace(/\/+$/, ''), model, apiKey }, documents, { ...shared, atOnce: 8 }))
  }
  return runs
}

/** Small pictures of the worst pages: 600 pixels wide, to be looked at beside the text. */
async function takePictures(worst: readonly WorstPage[], drawer: PageDrawer): Promise<ReadonlyMap<WorstPage, string>> {
  const pictures = new Map<WorstPage, string>()
  for (const page of worst) {
    const number = Math.max(1, page.page)
    const { document } = page.scored
    const image = (await drawer.draw(document.read(), document.mediaType, number)).at(number - 1)
    if (image === null || image === undefined) continue
    const small = sharp(image.data).flatten({ background: '#fff' }).resize({ width: 600, height: 900, fit: 'inside' })
    pictures.set(page, `data:image/jpeg;base64,${(await small.jpeg({ quality: 60 }).toBuffer()).toString('base64')}`)
  }
  return pictures
}

function print(run: Run): void {
  say(`\n${run.title}`)
  const rows = [...byType(run), ...byAbout(run).map((row) => ({ ...row, name: `about ${row.name}` })), allFacts(run)]
  printTable(
    rows.map(({ name, count, shares, difference }) => ({
      facts: name,
      n: String(count),
      ...Object.fromEntries(run.sides.map((side) => [side.name, percent(shares.get(side.name))])),
      difference: points(difference),
    })),
  )
}

function positive(name: string, value: string): number {
  const number = Number(value)
  if (Number.isInteger(number) && number > 0) return number
  throw new Error(`--${name} takes a whole number from 1 on, not ${value}`)
}

function fail(problems: readonly string[]): number {
  for (const problem of problems) process.stderr.write(`${problem}\n`)
  return problems.length === 0 ? 0 : 1
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
