// Word recall of the embedded engine on documents with known text: `node test/bench/recall.ts [--all] [--documents]`.
// Words are counted as a bag, Chinese by the character, so that neither layout nor marks count.
import { existsSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { createRasterizer } from '../../gateway/rasterizer/pool.ts'
import type { Rasterizer } from '../../gateway/rasterizer/pool.ts'
import { openDocument } from '../../gateway/document/open.ts'
import type { Document } from '../../gateway/document/open.ts'
import { createEmbeddedEngine } from '../../gateway/engine/tesseract/engine.ts'
import type { EmbeddedEngine } from '../../gateway/engine/tesseract/engine.ts'
import { GatewayError } from '../../gateway/errors.ts'
import { tesseract } from '../../gateway/profile/models/tesseract.ts'
import { collect } from '../../gateway/read/collect.ts'
import { promptOf, servedModel } from '../support/page-prompt.ts'
import { printBar, printTable } from './table.ts'
import { someone } from '../support/turn.ts'
import { makeSource } from '../support/make-source.ts'

/** One line of the table: documents of one language and category, or all of them. */
interface RecallRow {
  readonly group: string
  readonly documents: number
  readonly pages: number
  readonly words: number
  /** Mean over the documents, 0 to 1. */
  readonly recall: number
  /** Rasterizing and reading one page in one thread, in seconds. */
  readonly secondsPerPage: number
}

/** What one document gave. */
interface Score {
  readonly document: string
  readonly group: string
  readonly pages: number
  readonly words: number
  readonly recall: number
  readonly seconds: number
}

interface ManifestEntry {
  readonly doc: string
  readonly language: string
  readonly category: string
  readonly pages?: number
  readonly truth: readonly { readonly file: string; readonly format: string }[]
}

const CORPUS = new URL('../../../shared/corpus/truth/', import.meta.url)
const THREADS = 2
/** Without `--all`: languages that the engine knows, print only, few pages. */
const LANGUAGES = new Set(['en', 'zh', 'zh-Hans'])
const UNFIT = new Set(['formula', 'handwriting', 'blank'])
const FEW_PAGES = 4

/** What the engine reached when this was written, less what a change may cost it. */
const MIN_RECALL = 0.9

/** Measures word recall and time on the English and Chinese print of the corpus; returns whether the bar was met. */
export async function benchRecall(): Promise<boolean> {
  const rows = toRows(await scoreDocuments(false))
  print(rows)
  const recall = rows.at(-1)?.recall ?? 0
  return printBar(`word recall ${(recall * 100).toFixed(1)} %, at least ${MIN_RECALL * 100} %`, recall >= MIN_RECALL)
}

async function scoreDocuments(all: boolean): Promise<Score[]> {
  const rasterizer = createRasterizer({
    threads: THREADS,
    pageTimeoutSeconds: 60,
    openTimeoutSeconds: 60,
    maxImagePixels: 100_000_000,
  })
  const engine = createEmbeddedEngine({ threads: THREADS })
  try {
    const waiting = readManifest().filter((entry) => all || isFit(entry))
    const scores: Score[] = []
    const work = async () => {
      for (let entry = waiting.shift(); entry !== undefined; entry = waiting.shift()) {
        const score = await scoreDocument(entry, rasterizer, engine)
        if (score !== null) scores.push(score)
      }
    }
    await Promise.all(Array.from({ length: THREADS }, work))
    return scores
  } finally {
    await Promise.all([engine.close(), rasterizer.close()])
  }
}

function readManifest(): ManifestEntry[] {
  const manifest = new URL('manifest.json', CORPUS)
  if (!existsSync(manifest)) throw new Error(`there are no documents to measure: ${manifest.pathname} is missing`)
  const { files }: { files: ManifestEntry[] } = JSON.parse(readFileSync(manifest, 'utf8'))
  return files
}

function isFit({ language, category, pages }: ManifestEntry): boolean {
  return LANGUAGES.has(language) && !UNFIT.has(category) && (pages ?? 1) <= FEW_PAGES
}

/** Null for a document without a text to compare with, and for one that the gateway does not accept. */
async function scoreDocument(
  entry: ManifestEntry,
  rasterizer: Rasterizer,
  engine: EmbeddedEngine,
): Promise<Score | null> {
  const truth = truthOf(entry)
  if (truth === null) return null
  const { signal } = new AbortController()
  const bytes = readFileSync(new URL(entry.doc, CORPUS))
  const source = makeSource(bytes, { filename: entry.doc })
  try {
    await using document = await openDocument(
      source,
      rasterizer,
      { maxDocumentBytes: bytes.length, turn: someone },
      signal,
    )
    const start = performance.now()
    let text = ''
    for (let page = 1; page <= document.pageCount; page++) text += `${await readPage(document, page, engine, signal)}\n`
    const seconds = (performance.now() - start) / 1000
    const group = `${entry.language} ${entry.category}`
    return { document: entry.doc, group, pages: document.pageCount, seconds, ...compare(truth, text) }
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'unsupported_media_type') return null
    throw error
  }
}

async function readPage(
  document: Document,
  page: number,
  engine: EmbeddedEngine,
  signal: AbortSignal,
): Promise<string> {
  const { pixelBudget, imageMediaType: mediaType } = tesseract
  const model = servedModel(tesseract, { id: 'tesseract', engine: 'tesseract' })
  const image = await document.rasterize(page, { pixelBudget, mediaType }, signal)
  const { text } = await collect(engine.recognize, await promptOf({ model, image }), signal)
  return text
}

/** The most trustworthy truth that is text: Markdown, then plain text, then the PDF's own text layer. */
function truthOf({ truth }: ManifestEntry): string | null {
  const best =
    truth.find(({ format }) => format.startsWith('markdown')) ??
    truth.find(({ format, file }) => format.startsWith('plain-text') && !file.endsWith('.textlayer.txt')) ??
    truth.find(({ format }) => format.startsWith('plain-text'))
  if (best === undefined) return null
  const text = readFileSync(new URL(best.file, CORPUS), 'utf8')
  return text.replace(/<!--.*?-->|<[a-z/][^>]*>|!\[[^\]]*\]\([^)]*\)|\\(?=[_*#|[\]~`])/gis, ' ').replace(/&amp;/g, '&')
}

function compare(truth: string, text: string): Pick<Score, 'words' | 'recall'> {
  const expected = countWords(truth)
  const found = countWords(text)
  let words = 0
  let hits = 0
  for (const [word, count] of expected) {
    words += count
    hits += Math.min(count, found.get(word) ?? 0)
  }
  return { words, recall: words === 0 ? 1 : hits / words }
}

function countWords(text: string): Map<string, number> {
  const counts = new Map<string, number>()
  const words =
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/\p{Script=Han}|[[\p{L}\p{M}\p{N}]--\p{Script=Han}]+/gv) ?? []
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}

function toRows(scores: readonly Score[]): RecallRow[] {
  const groups = Map.groupBy(scores, (score) => score.group)
  const rows = [...groups].map(([group, members]) => toRow(group, members))
  return [...rows.toSorted((a, b) => a.group.localeCompare(b.group)), toRow('all', scores)]
}

function toRow(group: string, scores: readonly Score[]): RecallRow {
  const sum = (value: (score: Score) => number) => scores.reduce((total, score) => total + value(score), 0)
  const pages = sum((score) => score.pages)
  return {
    group,
    documents: scores.length,
    pages,
    words: sum((score) => score.words),
    recall: sum((score) => score.recall) / Math.max(1, scores.length),
    secondsPerPage: sum((score) => score.seconds) / Math.max(1, pages),
  }
}

function print(rows: readonly RecallRow[]): void {
  printTable(
    rows.map(({ group, documents, pages, words, recall, secondsPerPage }) => ({
      group,
      documents: String(documents),
      pages: String(pages),
      words: String(words),
      recall: `${(recall * 100).toFixed(1)} %`,
      's/page': secondsPerPage.toFixed(2),
    })),
  )
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { all: { type: 'boolean' }, documents: { type: 'boolean' } } })
  const scores = await scoreDocuments(values.all ?? false)
  if (values.documents) for (const score of scores) process.stdout.write(`${JSON.stringify(score)}\n`)
  print(toRows(scores))
}
