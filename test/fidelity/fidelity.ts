// `npm run fidelity`: draws the first pages of every PDF of the corpus as the gateway does and with poppler, compares the
// pictures, and writes docs/fidelity.md. Fails when a page differs that explanations.json does not explain.
// With `--pictures FOLDER` it leaves both pictures of each page that differs there, side by side.
import { readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import sharp from 'sharp'
import { z } from 'zod'
import { type Document, openDocument } from '../../gateway/document/open.ts'
import { createRasterizer, type Rasterizer } from '../../gateway/rasterizer/pool.ts'
import { GatewayError } from '../../gateway/errors.ts'
import { compare } from './compare.ts'
import { drawWithPoppler, type PdfFile, popplerVersion } from './poppler.ts'
import { type ComparedPage, differs, fidelityPage, readExplanations } from './report.ts'
import { someone } from '../support/turn.ts'
import { makeSource } from '../support/make-source.ts'

const { values: options } = parseArgs({
  options: { only: { type: 'string' }, pictures: { type: 'string' } },
})

const LONGEST_EDGE = 770
const PAGES_OF_EACH = 3
const LIMIT_SECONDS = 30
const MAX_DOCUMENT_BYTES = 100 * 1024 * 1024
/** The gateway's own default. */
const MAX_IMAGE_PIXELS = 178_956_970
const THREADS = 2

const repository = join(import.meta.dirname, '../..')
const corpus = join(repository, '../shared/corpus/public')

process.exitCode = await main()

async function main(): Promise<number> {
  const version = await popplerVersion()
  if (version === null) return fail(['pdftoppm is not installed: on Debian, apt-get install poppler-utils'])
  const explanations = readExplanations(readFileSync(join(import.meta.dirname, 'explanations.json'), 'utf8'))
  const pages = await compareAll(documents())
  const unexplained = pages.filter((page) => differs(page) && explanations.of(page) === null)
  if (options.only === undefined) {
    await writeFile(
      join(repository, 'docs/fidelity.md'),
      await fidelityPage(pages, explanations, version, LONGEST_EDGE),
    )
  }
  say(
    `${pages.length} pages compared, ${pages.filter(differs).length} differ, ${unexplained.length} without an explanation`,
  )
  return unexplained.length === 0 ? 0 : fail(unexplained.map(describe))
}

interface CorpusDocument extends PdfFile {
  /** Within the corpus: `real/scan-ccitt-epson.pdf`. */
  readonly name: string
}

/** Every PDF of the corpus but for bombs, which cost their whole time limit by design and show nothing. */
function documents(): readonly CorpusDocument[] {
  const manifestSchema = z.object({ files: z.array(z.object({ file: z.string(), password: z.string().optional() })) })
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(corpus, 'manifest.json'), 'utf8')))
  const passwords = new Map(manifest.files.map(({ file, password }) => [file, password ?? null]))
  return ['real', 'robust', 'formats']
    .flatMap((folder) => readdirSync(join(corpus, folder)).map((file) => `${folder}/${file}`))
    .filter((name) => name.endsWith('.pdf') && !name.includes('/bomb-') && name.includes(options.only ?? ''))
    .toSorted()
    .map((name) => ({ name, path: join(corpus, name), password: passwords.get(name) ?? null }))
}

async function compareAll(files: readonly CorpusDocument[]): Promise<ComparedPage[]> {
  const rasterizer = createRasterizer({
    threads: THREADS,
    pageTimeoutSeconds: LIMIT_SECONDS,
    openTimeoutSeconds: LIMIT_SECONDS,
    maxImagePixels: MAX_IMAGE_PIXELS,
  })
  const compared = new Map<string, ComparedPage[]>()
  const waiting = files.values()
  const work = async (): Promise<void> => {
    for (const file of waiting) compared.set(file.name, await compareDocument(file, rasterizer))
  }
  try {
    await Promise.all(Array.from({ length: THREADS }, work))
  } finally {
    await rasterizer.close()
  }
  return files.flatMap(({ name }) => compared.get(name) ?? [])
}

async function compareDocument(file: CorpusDocument, rasterizer: Rasterizer): Promise<ComparedPage[]> {
  const { signal } = new AbortController()
  const source = makeSource(readFileSync(file.path), {
    declaredMediaType: 'application/pdf',
    password: file.password,
  })
  try {
    await using document = await openDocument(
      source,
      rasterizer,
      { maxDocumentBytes: MAX_DOCUMENT_BYTES, turn: someone },
      signal,
    )
    const pages: ComparedPage[] = []
    for (let page = 1; page <= Math.min(PAGES_OF_EACH, document.pageCount); page++) {
      pages.push(await comparePage(document, file, page, signal))
    }
    return pages
  } catch (error) {
    const theirs = await drawWithPoppler(file, 1, LONGEST_EDGE, deadline())
    return [
      {
        file: file.name,
        page: 1,
        rasterizer: null,
        failure: codeOf(error),
        popplerFailed: theirs === null,
        difference: null,
      },
    ]
  }
}

async function comparePage(
  document: Document,
  file: CorpusDocument,
  page: number,
  signal: AbortSignal,
): Promise<ComparedPage> {
  const rasterization = {
    pixelBudget: { longestEdge: LONGEST_EDGE, maxPixels: LONGEST_EDGE ** 2 },
    mediaType: 'image/png',
  } as const
  const [ours, theirs] = await Promise.all([
    document.rasterize(page, rasterization, signal).catch((error: unknown) => codeOf(error)),
    drawWithPoppler(file, page, LONGEST_EDGE, deadline()),
  ])
  const failure = typeof ours === 'string' ? ours : null
  const rasterizer = typeof ours === 'string' ? null : ours.rasterizer
  const difference = typeof ours === 'string' || theirs === null ? null : await compare(ours.data, theirs)
  const compared = { file: file.name, page, rasterizer, failure, popplerFailed: theirs === null, difference }
  if (options.pictures !== undefined && typeof ours !== 'string' && theirs !== null && differs(compared)) {
    await writePictures(join(options.pictures, `${file.name.replaceAll('/', '-')}-${page}.png`), ours.data, theirs)
  }
  return compared
}

/** Ours on the left. */
async function writePictures(path: string, ours: Uint8Array, theirs: Uint8Array): Promise<void> {
  const { width, height } = await sharp(ours).metadata()
  const other = await sharp(theirs).resize(width, height, { fit: 'fill' }).toBuffer()
  await sharp({ create: { width: 2 * width + 8, height, channels: 3, background: '#f0f' } })
    .composite([
      { input: Buffer.from(ours), left: 0, top: 0 },
      { input: other, left: width + 8, top: 0 },
    ])
    .png()
    .toFile(path)
}

function deadline(): AbortSignal {
  return AbortSignal.timeout(LIMIT_SECONDS * 1000)
}

function codeOf(error: unknown): string {
  if (error instanceof GatewayError) return error.code
  throw error
}

function describe({ file, page, failure, popplerFailed, difference }: ComparedPage): string {
  const measured =
    difference === null ? '' : ` mean ${difference.mean.toFixed(1)}, blocks ${(100 * difference.blocks).toFixed(1)} %`
  return `${file} page ${page}: ours ${failure ?? 'drawn'}, poppler ${popplerFailed ? 'failed' : 'drawn'}${measured}`
}

function fail(lines: readonly string[]): number {
  for (const line of lines) process.stderr.write(`${line}\n`)
  return 1
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
