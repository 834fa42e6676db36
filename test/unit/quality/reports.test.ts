import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parse } from 'parse5'
import type { KnownDocument } from '../../quality/document.ts'
import { htmlReport } from '../../quality/report-html.ts'
import { markdownReport } from '../../quality/report-markdown.ts'
import { scoreDocument } from '../../quality/score-document.ts'
import { characterErrorRate, compareWords } from '../../quality/score/prose.ts'
import { compareStructure } from '../../quality/score/structure.ts'
import { readFact } from '../../quality/score/facts.ts'
import { allFacts, byAbout, byFamily, byMeasure, byType, points, shortfalls, type Run } from '../../quality/tally.ts'
import { worstPages } from '../../quality/worst-pages.ts'

const HOSTILE = '<script>alert("x")</script> | `a` *b* [c](d) ![e](f) $g$'

const reading = (...pages: string[]) => ({
  text: pages.join('\n\n'),
  pages,
  statuses: pages.map(() => 'ok'),
  failure: null,
})
const side = (name: string) => ({ name, what: `what \`${name}\` is`, sends: 'direct' as const, ocr: {} })

/** A document of two pages, the second of which is right with the gateway only; its first is wrong with it. */
function run(): Run {
  const fact = (page: number, text: string, about?: string) =>
    readFact({
      pdf: 'a.pdf',
      page,
      id: `${page}-${text}`,
      type: 'present',
      text,
      ...(about === undefined ? {} : { about }),
    })
  const document: KnownDocument = {
    name: `a ${HOSTILE}.pdf`,
    family: 'a',
    category: 'scan',
    mediaType: 'application/pdf',
    language: 'en',
    pages: 2,
    read: () => new Uint8Array(),
    facts: [
      fact(1, `first page ${HOSTILE}`),
      fact(2, 'second page'),
      fact(0, 'page second', 'joins'),
      fact(3, 'not read'),
    ],
    truths: [{ text: '# first page\n\nsecond page', trust: 'exact', isMarkdown: true }],
    answers: null,
  }
  const readings = new Map([
    ['direct', reading(`first page ${HOSTILE}`, 'secund page')],
    ['gateway', reading('fist page <b>x', 'second page')],
  ])
  const scored = scoreDocument(document, [null, null], readings, [null, 'loop'])
  const sides = [side('direct'), side('gateway')]
  return { title: 'Scripted answers', about: 'About it.', sides, documents: [scored], seconds: 1 }
}

describe('what is counted', () => {
  it('is by type, by set and by what a fact is about; pages that were not read are left out', () => {
    const rows = byType(run()).map(({ name, count, difference }) => [name, count, points(difference)])
    assert.deepEqual(rows, [['present', 3, '0.0']])
    assert.equal(byFamily(run())[0]?.name, 'a')
    assert.deepEqual(
      byAbout(run()).map(({ name, difference }) => [name, points(difference)]),
      [
        ['anything else', '−100.0'],
        ['repaired', '+100.0'],
        ['joins', '0.0'],
      ],
    )
    assert.equal(allFacts(run()).count, 3)
  })

  it('falls short where a type is worse, and where what should be better is not', () => {
    assert.deepEqual(shortfalls(run(), ['repaired']), [])
    assert.match(shortfalls(run(), ['joins'])[0] ?? '', /joins are 0\.0/)
    const worse = run()
    const swapped = worse.documents.map((document) => ({
      ...document,
      facts: document.facts.filter(({ fact }) => fact.page === 1),
    }))
    assert.match(shortfalls({ ...worse, documents: swapped }, [])[0] ?? '', /present is −100\.0/)
  })

  it('has the measures of texts that are known', () => {
    const measured = new Map(byMeasure(run()).map(({ name, shares }) => [name, shares]))
    assert.ok((measured.get('character error rate (exact)')?.get('gateway') ?? 1) > 0)
    assert.equal(measured.get('headings (exact)')?.get('direct'), 0)
  })
})

describe('measures', () => {
  it('count words as bags, and changed characters by the length of the truth', () => {
    assert.deepEqual(compareWords('one two three two', 'two **one** four'), { recall: 0.5, precision: 2 / 3 })
    assert.equal(characterErrorRate('abcd', 'abXd'), 0.25)
    assert.equal(characterErrorRate('# a  b', 'a b'), 0)
    assert.equal(characterErrorRate('x'.repeat(20_000), 'x'), null)
  })

  it('compare headings and cells, whichever way tables are written', () => {
    const truth = '# A\n\n## B\n\n| x | y |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |'
    const html =
      '<table><tr><td>x</td><td>y</td></tr><tr><td>0</td><td>0</td></tr><tr><td>1</td><td>2</td></tr></table>'
    assert.deepEqual(compareStructure(truth, truth), { headings: 1, tables: 1 })
    assert.deepEqual(compareStructure(truth, `# A\n\n${html}`), { headings: 2 / 3, tables: 8 / 12 })
    assert.deepEqual(compareStructure('text', html), { headings: null, tables: null })
  })
})

describe('the reports', () => {
  it('show the worst pages, and run nothing that stands in a document', async () => {
    const scored = run()
    const worst = new Map([[scored, worstPages(scored, 5)]])
    assert.equal(worst.get(scored)?.[0]?.page, 1)
    const html = htmlReport([scored], worst, [`a note ${HOSTILE}`], () => 'data:image/jpeg;base64,AAAA')
    assert.ok(!html.includes('<script'))
    assert.ok(!html.includes('<b>x'))
    assert.match(html, /right without the gateway/)
    assert.match(html, /<del title="expected">first<\/del>/)
    const errors: unknown[] = []
    parse(html, { onParseError: (error) => errors.push(error) })
    assert.deepEqual(errors, [])
    const markdown = await markdownReport([scored], worst, [`a note ${HOSTILE}`])
    assert.match(markdown, /\| present +\| +3 \|/)
    assert.ok(!/(?<!\\)<script/.test(markdown))
    assert.match(markdown, /Right without the gateway/)
  })
})
