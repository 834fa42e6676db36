import { serverFaults, type ServerFault } from '../../fakes/faulty-vllm.ts'
import { makePdf, type PageSpec } from '../make-pdf.ts'
import { seededRandom, type SeededRandom } from '../seeded-random.ts'
import { pageTag } from './pages.ts'

/** One document: the numbers of its pages, null for a blank one. */
export interface PlannedDocument {
  readonly pages: readonly (number | null)[]
}

/** What one client does with its documents. */
export interface Job {
  readonly documents: readonly PlannedDocument[]
  readonly stream: boolean
  readonly onPageError: 'mark' | 'fail'
  /** The client's own time limit, where it has set one. */
  readonly timeoutSeconds: number | null
  /** After so many milliseconds the client is gone; or, of a stream, after it has seen so many pages. */
  readonly leaves: { readonly afterMilliseconds: number } | { readonly afterPages: number } | null
  /** Another client asks for the same at the same time. */
  readonly hasTwin: boolean
  /** Asks for the same once more when the answer was not whole. */
  readonly asksAgain: boolean
}

/** Something that happens to a server once so many pages are done with. */
export interface PlannedFault {
  readonly server: number
  readonly fault: ServerFault
  readonly afterPages: number
  readonly milliseconds: number
}

/** Everything that a seed decides. */
export interface Plan {
  readonly jobs: readonly Job[]
  readonly faults: readonly PlannedFault[]
}

const LONGEST_DOCUMENT = 150
const ROUNDS_OF_FAULTS = 3

/** Plans documents with so many pages in all, what clients do with them, and what happens to the servers meanwhile. */
export function makePlan(seed: number, totalPages: number, servers: number): Plan {
  const random = seededRandom(seed)
  const jobs: Job[] = []
  for (let next = 1; next <= totalPages;) {
    const job = planJob(random, next, totalPages)
    jobs.push(job)
    next += pagesOf(job).filter((number) => number !== null).length
  }
  return { jobs, faults: planFaults(random, totalPages, servers) }
}

/** Returns the numbers of a job's pages, through all its documents. */
export function pagesOf({ documents }: Job): (number | null)[] {
  return documents.flatMap(({ pages }) => pages)
}

function planJob(random: SeededRandom, next: number, totalPages: number): Job {
  const isHasty = random.chance(0.15)
  const isLeaving = !isHasty && random.chance(0.15)
  const stream = !isHasty && random.chance(0.6)
  const documents: PlannedDocument[] = []
  const wanted = random.chance(0.1) ? 2 : 1
  for (let first = next; documents.length < wanted && first <= totalPages;) {
    const document = planDocument(random, first, totalPages - first + 1, isHasty || isLeaving ? 20 : 1)
    documents.push(document)
    first += document.pages.filter((number) => number !== null).length
  }
  return {
    documents,
    stream,
    onPageError: random.chance(0.1) ? 'fail' : 'mark',
    timeoutSeconds: isHasty ? random.integer(3, 6) : null,
    leaves: isLeaving ? planLeave(random, stream) : null,
    hasTwin: random.chance(0.08),
    asksAgain: random.chance(0.6),
  }
}

function planLeave(random: SeededRandom, stream: boolean): NonNullable<Job['leaves']> {
  if (stream && random.chance(0.7)) return { afterPages: random.integer(1, 10) }
  return { afterMilliseconds: random.integer(20, 2500) }
}

function planDocument(random: SeededRandom, first: number, mostPages: number, leastPages: number): PlannedDocument {
  const size = random.next()
  const wanted =
    size < 0.6 ? random.integer(1, 6) : size < 0.85 ? random.integer(7, 30) : random.integer(31, LONGEST_DOCUMENT)
  const count = Math.min(Math.max(leastPages, wanted), mostPages)
  const pages = Array.from({ length: count }, (_, index) => first + index)
  return { pages: pages.flatMap((number) => (random.chance(0.02) ? [null, number] : [number])) }
}

/** Every fault strikes several times, evenly through the work, and now and then both servers at once. */
function planFaults(random: SeededRandom, totalPages: number, servers: number): PlannedFault[] {
  const rounds = Array.from({ length: ROUNDS_OF_FAULTS }, () => random.shuffle(serverFaults)).flat()
  return rounds.flatMap((fault, index) => {
    const afterPages = Math.floor((totalPages * 0.9 * (index + 0.5)) / rounds.length)
    const milliseconds = random.integer(300, 3000)
    const server = random.integer(0, servers - 1)
    const struck = random.chance(0.12) ? Array.from({ length: servers }, (_, each) => each) : [server]
    return struck.map((each) => ({ server: each, fault, afterPages, milliseconds }))
  })
}

/** Draws a document. Low and wide pages cost a tenth of an A4 page, and their barcode can still be read. */
export function drawDocument({ pages }: PlannedDocument): Uint8Array {
  const strip = { width: 842, height: 100 }
  return makePdf(
    pages.map((number): PageSpec => {
      if (number === null) return strip
      return { ...strip, number, lines: [`Page ${pageTag(number)}, its text layer`] }
    }),
  )
}
