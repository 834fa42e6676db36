import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cutAtPages } from '../../quality/cut-at-pages.ts'
import { chooseFault, faultyAnswer } from '../../quality/faults.ts'
import { madeDocuments } from '../../quality/made-documents.ts'
import { answerFromFacts, withHtmlTables } from '../../quality/page-answers.ts'
import { readFact } from '../../quality/score/facts.ts'
import { judge } from '../../quality/score/judge.ts'
import { parseHtmlTables } from '../../quality/score/parse-tables.ts'

describe('a document that is cut at its pages', () => {
  const markdown =
    '# Paths\n\nThe matter is passed to the county when everything that is missing is found.\n\n| No. | What |\n|---|---|\n| 1 | a gate of oak |\n| 2 | a stile of stone |\n\nThe end of it.'
  const page = (layer: string) => ({ layer, header: 'Manual', footer: '7' })

  it('ends within paragraphs, words and tables, and repeats what the print repeats', () => {
    const pages = cutAtPages(markdown, [
      page('Paths The matter is'),
      page('passed to the county when everything that is miss-'),
      page('ing is found. No. What 1'),
      page('No. What 2 a stile of stone The end'),
    ])
    assert.deepEqual(pages, [
      'Manual\n\n# Paths\n\nThe matter is\n\n7',
      'Manual\n\npassed to the county when everything that is miss-\n\n7',
      'Manual\n\ning is found.\n\n| No. | What |\n|---|---|\n| 1 | a gate of oak |\n\n7',
      'Manual\n\n| No. | What |\n|---|---|\n| 2 | a stile of stone |\n\nThe end of it.\n\n7',
    ])
  })

  it('must have the words that a page begins with', () => {
    assert.throws(() => cutAtPages(markdown, [page('Paths'), page('quite another text')]), /quite another text/)
  })
})

describe('an answer that is made of facts', () => {
  it('bears them out, whatever the layer lacks', () => {
    const fact = (type: string, more: object) => readFact({ pdf: 'a.pdf', page: 1, id: 'a', type, ...more })
    const facts = [
      fact('present', { text: 'A line that is there' }),
      fact('present', { text: 'A line that is not' }),
      fact('order', { before: 'the second', after: 'the first' }),
      fact('math', { math: 'x^2' }),
      fact('table', { cell: 'a', left: 'b', right: 'c', up: 'd', down: 'e', top_heading: 'f', left_heading: 'g' }),
      fact('table', { cell: 'a & b', left: 'b', left_heading: 'b', up: 'f', top_heading: 'f' }),
    ]
    const answer = answerFromFacts('the first the second\nA line that\nis there', facts)
    for (const each of facts) assert.deepEqual(judge(each, answer), { passed: true }, JSON.stringify(each))
  })
})

describe('tables of Markdown as HTML', () => {
  it('have the same cells', () => {
    const [table] = parseHtmlTables(withHtmlTables('a\n\n| b | c |\n|---|---|\n| d < e | |\n\nf'))
    assert.deepEqual(
      table?.map(({ text, isHeading }) => [text, isHeading]),
      [
        ['b', true],
        ['c', true],
        ['d < e', false],
        ['', false],
      ],
    )
  })
})

describe('faults', () => {
  const traits = (page: number, more: object = {}) => ({
    document: 'a.pdf',
    isKnownWhole: false,
    page,
    answer: 'x'.repeat(500),
    hasLayer: true,
    ...more,
  })
  const chosen = (more: object) => new Set(Array.from({ length: 200 }, (_, page) => chooseFault(traits(page, more))))

  const sorted = (faults: ReadonlySet<unknown>) =>
    Array.from(faults, String).toSorted((one, other) => one.localeCompare(other))

  it('are of every kind, and the same each time', () => {
    assert.deepEqual(sorted(chosen({})), ['always_invented', 'cut_off', 'empty', 'invented', 'loop', 'null'])
    assert.equal(chooseFault(traits(3)), chooseFault(traits(3)))
  })

  it('are only those that a page allows', () => {
    assert.deepEqual([...chosen({ answer: 'x', hasLayer: false })], [null])
    assert.ok(!chosen({ hasLayer: false }).has('invented'))
    assert.deepEqual(sorted(chosen({ answer: '<table></table>' })), ['broken_table', 'null'])
    assert.deepEqual([...chosen({ isKnownWhole: true })], [null])
  })

  it('are over at the second answer, but for those that stay', () => {
    const text = 'x'.repeat(600)
    for (const fault of ['loop', 'cut_off', 'empty', 'invented'] as const) {
      assert.notEqual(faultyAnswer(text, fault, 1).text, text)
      assert.deepEqual(faultyAnswer(text, fault, 2), { text, finishReason: 'stop' })
    }
    assert.notEqual(faultyAnswer(text, 'always_invented', 4).text, text)
    assert.equal(faultyAnswer('<td>a</td>', 'broken_table', 2).text, '<td>a')
  })
})

describe('the documents that are made', () => {
  const documents = madeDocuments()

  it('have names and facts of their own', () => {
    assert.equal(new Set(documents.map(({ name }) => name)).size, documents.length)
    const ids = documents.flatMap(({ facts }) => facts.map(({ id }) => id))
    assert.equal(new Set(ids).size, ids.length)
  })

  it('are right page by page where no fact is about the pages together', () => {
    for (const { facts, answers, name } of documents)
      for (const fact of facts.filter(({ about }) => about === undefined)) {
        const text = fact.page === 0 ? (answers ?? []).join('\n\n') : (answers?.[fact.page - 1] ?? '')
        assert.deepEqual(judge(fact, text), { passed: true }, `${name}: ${JSON.stringify(fact)}`)
      }
  })

  it('have facts that are only right once pages are joined, lines dropped and tables repaired', () => {
    for (const what of ['joins', 'headers', 'tables']) {
      const failed = documents.flatMap(({ facts, answers }) =>
        facts.filter((fact) => fact.about === what && !judge(fact, (answers ?? []).join('\n\n')).passed),
      )
      assert.ok(failed.length >= 3, `${what}: ${failed.length}`)
    }
  })
})
