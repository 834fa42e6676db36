import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { escapeXml, recordingToSvg, type Frame, type Span } from '../../support/terminal-svg.ts'
import { openTerminal } from '../../support/watched-terminal.ts'

const span = (text: string, more: Partial<Span> = {}): Span => ({
  text,
  column: 0,
  cells: text.length,
  look: 'plain',
  ...more,
})
const frame = (at: number, ...lines: Span[][]): Frame => ({ at, lines, cursor: null })
const record = (...frames: Frame[]) =>
  recordingToSvg({ title: 'A recording', columns: 10, rows: 2, seconds: 10, frames })

/** The frame that is moved into the window at each moment, by its pixels. */
const moves = (svg: string) =>
  [...svg.matchAll(/([\d.]+%)\{transform:translateX\((-?\d+)px\)\}/g)].map(([, at, left]) => [at, Number(left)])

describe('a recording as SVG', () => {
  const two = record(frame(0, [span('one')]), frame(2.5, [span('two')]))

  it('moves each frame into view at its time, and stays at the last', () => {
    const [first, second, end] = moves(two)
    assert.deepEqual([first, second?.[0], end?.[0]], [['0%', 0], '25%', '100%'])
    assert.equal(second?.[1], end?.[1])
    assert.ok(Number(second?.[1]) < -80)
    assert.match(two, /animation: play 10s step-end infinite/)
  })

  it('shows the last frame, at rest, to whoever wants no motion', () => {
    const [, , end] = moves(two)
    assert.match(two, new RegExp(`\\.strip \\{ transform: translateX\\(${end?.[1]}px\\)`))
    assert.match(two, /prefers-reduced-motion: reduce\) \{ \.strip \{ animation: none \} \}/)
  })

  it('holds a line once that stays on the screen', () => {
    const svg = record(frame(0, [span('stays')]), frame(1, [span('stays')], [span('new')]), frame(2, [span('stays')]))
    assert.equal(svg.match(/>stays</g)?.length, 1)
    assert.equal(svg.match(/<use href="#l0"/g)?.length, 3)
  })

  it('holds text to its columns, whatever the width of the font', () => {
    const svg = record(frame(0, [span('東京', { column: 2, cells: 4, look: 'red' })]))
    assert.match(svg, /<text class="red" x="32.8" y="28" textLength="33.6" lengthAdjust="spacingAndGlyphs">東京</)
  })

  it('has no markup of what was shown, and no script', () => {
    const hostile = `</text><script>alert(1)</script><a href="javascript:x">&'`
    const svg = recordingToSvg({
      title: hostile,
      columns: 80,
      rows: 1,
      seconds: 1,
      frames: [frame(0, [span(hostile)])],
    })
    assert.doesNotMatch(svg, /<script|<a |javascript:x"/)
    assert.ok(svg.includes('&lt;/text&gt;&lt;script&gt;alert(1)'))
  })
})

describe('text in XML', () => {
  const rows = [
    { name: 'markup', text: `<a b="c">&'`, escaped: '&lt;a b=&quot;c&quot;&gt;&amp;&#39;' },
    { name: 'control characters', text: 'a\0b\u001bc\u007f', escaped: 'a\uFFFDb\uFFFDc\uFFFD' },
    { name: 'half a character', text: 'a\uD83Db', escaped: 'a\uFFFDb' },
    { name: 'a whole one', text: 'a😀b', escaped: 'a😀b' },
    { name: 'what is no character', text: 'a\uFFFEb', escaped: 'a\uFFFDb' },
    { name: 'the end of CDATA', text: ']]>', escaped: ']]&gt;' },
  ]
  for (const { name, text, escaped } of rows) it(`is harmless: ${name}`, () => assert.equal(escapeXml(text), escaped))
})

describe('a watched terminal', () => {
  it('shows stretches by their look, and wide characters in two cells', async () => {
    const terminal = openTerminal(20, 2)
    await terminal.write('\u001b[31mfailed\u001b[0m 東京.pdf\r\n\u001b[2mdim\u001b[0m')
    const { lines, cursor } = terminal.screen()
    const shown = lines.map((spans) =>
      spans.map(({ text, column, cells, look }) => [text.trimEnd(), column, cells, look]),
    )
    assert.deepEqual(shown[0], [
      ['failed', 0, 6, 'red'],
      [' 東京.pdf', 6, 14, 'plain'],
    ])
    assert.deepEqual(shown[1]?.[0], ['dim', 0, 3, 'dim'])
    assert.deepEqual(cursor, { column: 3, line: 1 })
  })
})
