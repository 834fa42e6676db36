// `npm run fuzz [-- --mutants N --seed N --only K]`: damaged documents through the real pool of drawers. Fails when one
// takes longer than its limits, fails in a way that the error catalogue does not know, or when memory grows, drawers included.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openDocument } from '../../gateway/document/open.ts'
import { createRasterizer, type Rasterizer } from '../../gateway/rasterizer/pool.ts'
import { GatewayError, type ErrorCode } from '../../gateway/errors.ts'
import { mutate, mutationNames, seededRandom } from './mutate.ts'
import { treeMemory } from '../support/bounds/process-memory.ts'
import { someone } from '../support/turn.ts'
import { makeSource } from '../support/make-source.ts'

const { values } = parseArgs({
  options: {
    mutants: { type: 'string', default: '5000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    save: { type: 'string' },
  },
})

const THREADS = 2
const PAGE_SECONDS = 5
/** Opening, and the pages below, each within its own limit; and what the pool needs to replace a drawer. */
const LIMIT_SECONDS = 4 * PAGE_SECONDS
const PAGES_OF_EACH = 2
/** Small files say as much about parsers as large ones, and are faster. */
const MAX_BYTES = 300_000
/** How much more the processes may hold after the last quarter than after the first. */
const MAX_GROWTH_MEGABYTES = 150

const honest: ReadonlySet<ErrorCode> = new Set([
  'document_empty',
  'document_encrypted',
  'document_unreadable',
  'document_too_large',
  'page_timeout',
  'page_too_large',
  'unsupported_media_type',
  'wrong_password',
])

process.exitCode = await fuzz()

async function fuzz(): Promise<number> {
  const documents = readCorpus()
  const count = Number(values.mutants)
  const indexes = values.only === undefined ? Array.from({ length: count }, (_, index) => index) : [Number(values.only)]
  const rasterizer = createRasterizer({
    threads: THREADS,
    pageTimeoutSeconds: PAGE_SECONDS,
    openTimeoutSeconds: PAGE_SECONDS,
    maxImagePixels: 100_000_000,
  })
  const outcomes = new Map<string, number>()
  const findings: string[] = []
  const memory: number[] = []
  const waiting = indexes.values()
  const work = async (): Promise<void> => {
    for (const index of waiting) {
      const { outcome, finding } = await tryMutant(index, documents, rasterizer)
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      if (finding !== null) findings.push(finding)
      memory.push(treeMemory(process.pid).megabytes)
      if (memory.length % 500 === 0)
        say(`${memory.length} mutants, ${findings.length} findings, ${memory.at(-1)?.toFixed(0)} MB`)
    }
  }
  await Promise.all(Array.from({ length: THREADS * 2 }, work))
  await rasterizer.close()
  findings.push(...memoryFinding(memory))
  report(outcomes, findings)
  return findings.length === 0 ? 0 : 1
}

interface Tried {
  readonly outcome: string
  readonly finding: string | null
}

async function tryMutant(index: number, documents: readonly CorpusDocument[], rasterizer: Rasterizer): Promise<Tried> {
  const random = seededRandom(Number(values.seed) * 1_000_003 + index)
  const pick = () => documents[Math.floor(random() * documents.length)] as CorpusDocument
  const [document, other] = [pick(), pick()]
  const mutation = mutationNames[index % mutationNames.length] as string
  const bytes = mutate(mutation, document.bytes, random, other.bytes)
  if (values.save !== undefined) writeFileSync(values.save, bytes)
  const name = `mutant ${index} (${mutation} of ${document.name})`
  const startedAt = performance.now()
  const outcome = await read(bytes, rasterizer).catch((error: unknown) => error)
  const seconds = (performance.now() - startedAt) / 1000
  if (seconds > LIMIT_SECONDS) return { outcome: 'too slow', finding: `${name} took ${seconds.toFixed(1)} s` }
  if (typeof outcome === 'string') return { outcome, finding: null }
  if (outcome instanceof GatewayError && honest.has(outcome.code)) return { outcome: outcome.code, finding: null }
  return { outcome: 'unknown failure', finding: `${name} failed with ${String(outcome)}` }
}

/** Opens a document and rasterizes its first pages; a page that fails honestly does not fail the document. */
async function read(bytes: Uint8Array, rasterizer: Rasterizer): Promise<string> {
  const { signal } = new AbortController()
  const source = makeSource(bytes)
  await using document = await openDocument(
    source,
    rasterizer,
    { maxDocumentBytes: 10 * MAX_BYTES, turn: someone },
    signal,
  )
  const rasterization = { pixelBudget: { longestEdge: 400, maxPixels: 160_000 }, mediaType: 'image/png' as const }
  for (let page = 1; page <= Math.min(PAGES_OF_EACH, document.pageCount); page++) {
    const { data } = await document.rasterize(page, rasterization, signal)
    if (data.length === 0) throw new Error(`page ${page} is an image of no bytes`)
  }
  return 'read'
}

interface CorpusDocument {
  readonly name: string
  readonly bytes: Uint8Array
}

function readCorpus(): CorpusDocument[] {
  const root = join(import.meta.dirname, '../../../shared/corpus/public')
  return ['real', 'formats', 'robust'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .toSorted()
      // Bombs cost their whole time limit by design, which is what the other tests are about.
      .filter((name) => !name.startsWith('bomb-') && statSync(join(root, folder, name)).size <= MAX_BYTES)
      .map((name) => ({ name, bytes: readFileSync(join(root, folder, name)) }))
      .filter(({ bytes }) => bytes.length > 10),
  )
}

function memoryFinding(memory: readonly number[]): string[] {
  const quarter = Math.floor(memory.length / 4)
  if (quarter < 100) return []
  const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
  const growth = median(memory.slice(-quarter)) - median(memory.slice(quarter, 2 * quarter))
  say(
    `resident memory: ${median(memory.slice(quarter, 2 * quarter)).toFixed(0)} MB in the second quarter, ${growth.toFixed(0)} MB more in the last`,
  )
  return growth > MAX_GROWTH_MEGABYTES ? [`memory grew by ${growth.toFixed(0)} MB`] : []
}

function report(outcomes: ReadonlyMap<string, number>, findings: readonly string[]): void {
  for (const [outcome, count] of [...outcomes].toSorted(([, a], [, b]) => b - a))
    say(`${String(count).padStart(6)} ${outcome}`)
  for (const finding of findings) say(`FOUND ${finding}`)
  say(findings.length === 0 ? 'no findings' : `${findings.length} findings; --only K --save FILE writes mutant K`)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
