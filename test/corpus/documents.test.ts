import type { MadeDocument } from '../fixtures/made-document.ts'
import { describeOutcomes } from '../support/document-outcomes.ts'
import { readCorpus } from './read-corpus.ts'

const manifest: { readonly files: readonly Omit<MadeDocument, 'bytes'>[] } = JSON.parse(
  readCorpus('public/manifest.json').toString(),
)

describeOutcomes(
  'real documents',
  manifest.files.map((entry) => ({ ...entry, bytes: () => readCorpus(`public/${entry.file}`) })),
)
