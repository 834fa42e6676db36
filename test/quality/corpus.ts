import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { withBaseline } from './bench-folder.ts'
import { cutAtPages } from './cut-at-pages.ts'
import type { KnownDocument, Truth } from './document.ts'
import { answerFromFacts, withHtmlTables } from './page-answers.ts'
import { readFacts, type Fact } from './score/facts.ts'
import { stitchFacts, stitchedPages } from './stitch-spec.ts'

/** Where the documents with known text are. */
const FOLDER = join(import.meta.dirname, '../../../shared/corpus/truth')

const manifest = z.object({
  files: z.array(
    z.object({
      doc: z.string(),
      category: z.string(),
      language: z.string(),
      pages: z.int().positive(),
      truth: z.array(z.object({ file: z.string(), format: z.string() })),
    }),
  ),
})

type Entry = z.output<typeof manifest>['files'][number]

/** By hand, or the document was made from it; of the others README.md says how far to trust them. */
const EXACT = new Set(['synthetic', 'hand', 'tesseract', 'kant'])
/** Only its lines that somebody has checked are facts. */
const CHECKED_ONLY = 'orbit-bench'
/** Chinese, Japanese and Korean characters are in order there. */
const OTHER_SCRIPTS = /^(?:zh|ja|ko|mul)/
/** By the end of a document's name. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  pdf: 'application/pdf',
  jpg: 'image/jpeg',
  png: 'image/png',
  tif: 'image/tiff',
}

/** Tells whether the documents are there: they are not part of the repository. */
export function hasCorpus(): boolean {
  return existsSync(join(FOLDER, 'manifest.json'))
}

/** Reads the documents with known text. */
export function readCorpusTruth(): readonly KnownDocument[] {
  return manifest.parse(JSON.parse(readText('manifest.json'))).files.map(knownDocument)
}

function readText(path: string): string {
  return readFileSync(join(FOLDER, path), 'utf8')
}

function knownDocument(entry: Entry): KnownDocument {
  const { doc, category, language, pages } = entry
  const family = doc.split('/')[0] ?? doc
  const layer = entry.truth.find(({ file }) => file.endsWith('.textlayer.txt'))
  const spec = entry.truth.find(({ format }) => format.startsWith('stitch spec'))
  const truths = entry.truth.flatMap(({ file, format }) => truthOf(file, format, family))
  const stated = entry.truth
    .filter(({ format }) => format.startsWith('olmocr-bench'))
    .flatMap(({ file }) => readFacts(readText(file)).facts)
    .filter(({ checked }) => (family === CHECKED_ONLY ? checked === 'verified' : checked !== 'rejected'))
  const stitched = spec === undefined ? [] : stitchFacts(doc, readText(spec.file))
  const facts = [...stated, ...stitched]
  const exact = truths.find(({ trust }) => trust === 'exact')
  const answers = (): readonly string[] | null => {
    // Of a page that should be blank nothing is answered, and the gateway takes that for a failure where it has specks.
    if (stated.some((fact) => fact.type === 'baseline' && fact.max_length != null)) return null
    if (spec !== undefined && exact !== undefined)
      return cutAtPages(exact.text, stitchedPages(readText(spec.file))).map(withHtmlTables)
    const printed = layer === undefined ? [''] : readText(layer.file).split('\f')
    if (pages === 1) {
      const known = truths.find(({ trust }) => trust !== 'layer')
      return [known === undefined ? answerFromFacts(printed[0] ?? '', facts) : withHtmlTables(known.text)]
    }
    return layer === undefined ? null : pagesOf(printed, pages, facts)
  }
  return {
    name: doc,
    family,
    category,
    language,
    pages,
    mediaType: MEDIA_TYPES[doc.split('.').at(-1) ?? ''] ?? 'application/pdf',
    read: () => readFileSync(join(FOLDER, doc)),
    facts: withBaseline(doc, facts, !OTHER_SCRIPTS.test(language)),
    truths,
    answers: answers(),
  }
}

function pagesOf(printed: readonly string[], pages: number, facts: readonly Fact[]): readonly string[] {
  return Array.from({ length: pages }, (_, index) =>
    answerFromFacts(
      printed[index] ?? '',
      facts.filter(({ page }) => page === index + 1),
    ),
  )
}

function truthOf(file: string, format: string, family: string): readonly Truth[] {
  if (!format.startsWith('markdown') && !format.startsWith('plain-text')) return []
  const trust = file.endsWith('.textlayer.txt') ? 'layer' : EXACT.has(family) ? 'exact' : 'near'
  return [{ text: readText(file), trust, isMarkdown: format.startsWith('markdown') && trust === 'exact' }]
}
