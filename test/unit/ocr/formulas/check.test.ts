import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createFormulaCheck } from '../../../../gateway/ocr/formulas/check.ts'
import { checkPage, formulasOf } from '../../../../gateway/ocr/formulas/page-formulas.ts'
import type { Formula } from '../../../../gateway/ocr/markdown/find-formulas.ts'

const display = (tex: string): Formula => ({ tex, isDisplay: true })
/** KaTeX expands it to nine million signs, which takes seconds. */
const SLOW = `\\def\\a{${'x'.repeat(10_000)}}${'\\a'.repeat(900)}`
/** Generous: the machine that runs the tests may have other things to do. */
const LIMITS = { pageMs: 5000, waitMs: 20_000, idleMs: 60_000 }
const page = (text: string) => ({ text, engine: 'vllm', isFallback: false }) as const

describe('formulas are checked with KaTeX', () => {
  it('says what is wrong with each, and nothing of those that are right', async () => {
    const check = createFormulaCheck(LIMITS)
    const formulas = ['\\frac{a}{b}', '\\sqrt{a', '\\nosuch', 'x_1_2', 'x\u0000', '\\includegraphics{a}']
    const [right, half, unknown, twice, nul, untrusted] = await check(formulas.map(display))
    assert.equal(right, null)
    assert.match(half ?? '', /^Expected '\}', got 'EOF' at position 8/)
    assert.match(unknown ?? '', /^Undefined control sequence: \\nosuch at position 1/)
    assert.match(twice ?? '', /^Double subscript at position 4/)
    assert.match(nul ?? '', /^Unexpected character/)
    assert.equal(untrusted, null)
  })

  it('has no message of a formula that it does not come to the end of, and checks those before and after it', async () => {
    const check = createFormulaCheck({ ...LIMITS, pageMs: 700 })
    await check([display('x')])
    const startedAt = performance.now()
    assert.deepEqual(await check([display('a'), display('b d'), display(SLOW), display('c')]), [
      null,
      null,
      undefined,
      undefined,
    ])
    assert.ok(performance.now() - startedAt < 4000)
    // It is not tried twice.
    assert.deepEqual(await check([display(SLOW), display('c')]), [undefined, null])
  })

  for (const [name, tex] of [
    ['nested too deeply', '{'.repeat(9900) + 'a' + '}'.repeat(9900)],
    ['without end', '\\def\\a{\\a\\a}\\a'],
  ] as const)
    it(`says that a formula is ${name}`, async () => {
      const [verdict] = await createFormulaCheck(LIMITS)([display(tex)])
      assert.match(verdict ?? '', /^(?:Nested too deeply|Too many expansions)/)
    })

  it('lets no page wait for long behind others', async () => {
    const check = createFormulaCheck({ ...LIMITS, pageMs: 3000, waitMs: 200 })
    const startedAt = performance.now()
    const all = await Promise.all(Array.from({ length: 20 }, (_, index) => check([display(`${SLOW}${index}`)])))
    assert.ok(all.every(([verdict]) => verdict === undefined))
    assert.ok(performance.now() - startedAt < 3000)
  })

  it('does not check what is too long', async () => {
    assert.deepEqual(await createFormulaCheck(LIMITS)([display('x'.repeat(30_000))]), [undefined])
  })
})

describe('the formulas of a page', () => {
  const broken = (texts: readonly Formula[]) =>
    Promise.resolve(texts.map(({ tex }) => (tex.includes('!') ? 'wrong' : null)))

  for (const [name, text, formulas] of [
    ['in dollars', 'so $a_1$ and\n\n$$\nb^2\n$$', ['a_1', '\nb^2\n']],
    ['in cells, whose signs are escaped', '<td>$a_1 &lt; b &amp; c$</td>', ['a_1 < b & c']],
    ['in a quote', '> $$\n> a_1\n> $$', ['\n a_1\n ']],
    ['in Chinese', '设$x$为$y^2$。', ['x', 'y^2']],
    ['none among prices', 'It costs $5 and $6, US$7 or HK$8, $9 – $10, $$ moderate $$', []],
    ['none in code', '`$a_1$`\n\n```\n$$a^2$$\n```', []],
    ['none where a backslash stands before the dollar', String.raw`\$a_1\$`, []],
  ] as const)
    it(`are found: ${name}`, async () => {
      const asked: string[] = []
      const check = (all: readonly Formula[]) => broken((asked.push(...all.map(({ tex }) => tex)), all))
      const found = await checkPage(formulasOf(page(text), { answersJson: false }), check)
      assert.deepEqual(asked, formulas)
      assert.equal(found.count, formulas.length)
    })

  it('are counted, and the first twenty of the broken ones named', async () => {
    const text = Array.from({ length: 30 }, (_, index) => `$a_{${index}}!$ and $b_{${index}}$`).join('\n\n')
    const found = await checkPage(formulasOf(page(text), { answersJson: false }), broken)
    assert.deepEqual([found.count, found.unchecked, found.brokenCount, found.broken.length], [60, 0, 30, 20])
    assert.deepEqual(found.broken[0], { tex: 'a_{0}!', message: 'wrong' })
    const long = await checkPage(formulasOf(page(`$a_${'!'.repeat(1000)}$`), { answersJson: false }), broken)
    assert.equal(long.broken[0]?.tex.length, 200)
  })

  it('are those that a vision model has written as Markdown', () => {
    assert.deepEqual(formulasOf({ ...page('$a_1$'), engine: 'tesseract' }, { answersJson: false }), [])
    assert.deepEqual(formulasOf({ ...page('$a_1$'), isFallback: true }, { answersJson: false }), [])
    assert.deepEqual(formulasOf(page('$a_1$'), { answersJson: true }), [])
    assert.deepEqual(formulasOf(page('no formula'), { answersJson: false }), [])
  })

  it('are ten thousand on a page without it taking long to find them', async () => {
    const startedAt = performance.now()
    const found = await checkPage(formulasOf(page('so $a_1$ and $b^2$\n'.repeat(5000)), { answersJson: false }), broken)
    assert.equal(found.count, 10_000)
    assert.ok(performance.now() - startedAt < 2000)
  })
})
