// `node test/quality/original/write-cases.ts FILE`: judges every fact of the documents by many texts, right and damaged, and
// writes a line for each: the fact, the text, and whether it is borne out. compare.py holds them against olmOCR-bench.
import { writeFileSync } from 'node:fs'
import { seededRandom } from '../../support/seeded-random.ts'
import { hasCorpus, readCorpusTruth } from '../corpus.ts'
import { faultyAnswer } from '../faults.ts'
import { madeDocuments } from '../made-documents.ts'
import { withHtmlTables } from '../page-answers.ts'
import { judge } from '../score/judge.ts'

const file = process.argv[2]
if (file === undefined) throw new Error('say where to write: node test/quality/original/write-cases.ts FILE')

const random = seededRandom(15)
const documents = [...madeDocuments(), ...(hasCorpus() ? readCorpusTruth() : [])].filter(
  ({ answers }) => answers !== null,
)
const lines: string[] = []
documents.forEach(({ facts, answers, truths }, index) => {
  const right = (answers ?? []).join('\n\n')
  const other = (documents[(index + 7) % documents.length]!.answers ?? []).join('\n\n')
  const texts = [
    right,
    ...(answers ?? []).slice(0, 3),
    ...truths.map(({ text }) => text).slice(0, 2),
    withHtmlTables(right),
    damaged(right, 0.002),
    damaged(right, 0.02),
    damaged(right, 0.15),
    faultyAnswer(right, 'broken_table', 1).text,
    right.replaceAll(/<\/t[dh]>/g, ''),
    right.replaceAll(/<\/?tr>/g, ''),
    faultyAnswer(right, 'loop', 1).text,
    `${right} ${right}`,
    right.split('\n\n').toReversed().join('\n\n'),
    right.toUpperCase(),
    other,
    '',
  ].map((text) => text.slice(0, 20_000))
  for (const fact of facts)
    for (const text of new Set(texts)) {
      const started = performance.now()
      const { passed } = judge(fact, text)
      lines.push(JSON.stringify({ fact, text, passed, milliseconds: performance.now() - started }))
    }
})
writeFileSync(file, `${lines.join('\n')}\n`)

/** Changes, drops and adds characters, so many of each. */
function damaged(text: string, share: number): string {
  return Array.from(text)
    .map((character) => {
      const luck = random.next()
      if (luck < share) return ''
      if (luck < 2 * share) return `${character}e`
      return luck < 3 * share ? 'o' : character
    })
    .join('')
}
