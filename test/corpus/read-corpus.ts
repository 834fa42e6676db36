import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const corpus = join(import.meta.dirname, '../../../shared/corpus')

/** Reads a document of the corpus, such as `public/real/scan-newspaper-1898.pdf`. */
export function readCorpus(path: string): Buffer {
  return readFileSync(join(corpus, path))
}
