import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KnownDocument } from './document.ts'
import { readFact, readFacts, type Fact } from './score/facts.ts'

/**
 * Reads a folder in olmOCR-bench's own format: documents in `pdfs/`, facts in `*.jsonl` beside it. A document without a
 * baseline fact gets one, for its first page, as there. `warn` is told of lines that are not judged.
 */
export function readBenchFolder(folder: string, warn: (text: string) => void): readonly KnownDocument[] {
  const facts: (Fact & { readonly set: string })[] = []
  for (const file of globSync('*.jsonl', { cwd: folder }).toSorted()) {
    const read = readFacts(readFileSync(join(folder, file), 'utf8'))
    for (const { line, why } of read.refused) warn(`${file}:${line}: ${why}`)
    facts.push(...read.facts.map((fact) => ({ ...fact, set: file.replace(/\.jsonl$/, '') })))
  }
  const names = globSync('**/*.pdf', { cwd: join(folder, 'pdfs') }).toSorted()
  return names.map((name) => {
    const own = facts.filter(({ pdf }) => pdf === name)
    return {
      name,
      family: own[0]?.set ?? 'baseline',
      category: 'page-pdf',
      mediaType: 'application/pdf',
      language: '',
      pages: Math.max(1, ...own.map(({ page }) => page)),
      read: () => readFileSync(join(folder, 'pdfs', name)),
      facts: withBaseline(name, own, true),
      truths: [],
      answers: null,
    }
  })
}

/** Adds the baseline fact that each document has, unless it has one. */
export function withBaseline(pdf: string, facts: readonly Fact[], checksCharacters: boolean): readonly Fact[] {
  if (facts.some(({ type }) => type === 'baseline')) return facts
  const id = `${pdf}_baseline`
  return [...facts, readFact({ pdf, page: 1, id, type: 'baseline', check_disallowed_characters: checksCharacters })]
}
