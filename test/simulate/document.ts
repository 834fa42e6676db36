import { availableParallelism } from 'node:os'
import { always, type Engine, type Scenario } from './scenario.ts'

/** One document of so many pages that comes at once, in front of these engines: what `npm run bench saturation` sends. */
export const oneDocument = (pages: number, engines: readonly Engine[], drawSeconds: number): Scenario => ({
  documentsPerSecond: () => 1,
  maxDocumentsPerSecond: Infinity,
  maxDocuments: 1,
  seconds: 1,
  pagesOfDocument: always(pages),
  workOfPage: always(1),
  knownShare: 0,
  gateways: 1,
  drawers: availableParallelism(),
  drawSeconds: always(drawSeconds),
  lookahead: 64,
  engines,
  seed: 1,
})
