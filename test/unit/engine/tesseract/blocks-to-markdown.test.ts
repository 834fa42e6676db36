import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { blocksToMarkdown, blocksToText } from '../../../../gateway/engine/tesseract/blocks-to-markdown.ts'
import type { Block, Box, Line } from '../../../../gateway/engine/tesseract/recognition.ts'

/** Pixels of a body line, and of a letter of it. */
const HEIGHT = 30
const LETTER = 15

interface LineSpec {
  readonly x?: number
  readonly scale?: number
  readonly confidence?: number
  /** Letters of white space between words; one when unset. */
  readonly gap?: number
}

/** A line of words as Tesseract gives them, Chinese ones as wide as they are high. */
function line(text: string, y: number, { x = 100, scale = 1, confidence = 95, gap = 0.5 }: LineSpec = {}): Line {
  const letter = LETTER * scale
  let at = x
  const words = text.split(' ').map((word) => {
    const width = word.replace(/\p{Script=Han}/gu, '--').length * letter
    const box = { x0: at, y0: y, x1: at + width, y1: y + HEIGHT * scale }
    at = box.x1 + gap * letter
    return { text: word, confidence, box }
  })
  return { box: bounds(words), confidence, height: HEIGHT * scale, size: 16 * scale, words }
}

function bounds(items: readonly { readonly box: Box }[]): Box {
  return {
    x0: Math.min(...items.map(({ box }) => box.x0)),
    y0: Math.min(...items.map(({ box }) => box.y0)),
    x1: Math.max(...items.map(({ box }) => box.x1)),
    y1: Math.max(...items.map(({ box }) => box.y1)),
  }
}

function block(lines: readonly Line[], kind: Block['kind'] = 'text'): Block {
  return { kind, box: bounds(lines), paragraphs: [{ box: bounds(lines), lines }] }
}

/** A row of cells of one word each, with rules between them. */
function ruledRow(cells: readonly string[], y: number): Line {
  const words = cells.flatMap((cell, index) => {
    const rule = index === 0 ? [] : line('|', y, { x: 80 + index * 200 }).words
    return cell === '' ? rule : [...rule, ...line(cell, y, { x: 100 + index * 200 }).words]
  })
  return { ...line('', y), box: bounds(words), words }
}

/** A block of lines set one under the other. */
function paragraph(texts: readonly string[], y: number, spec: LineSpec = {}): Block {
  return block(texts.map((text, index) => line(text, y + index * 45 * (spec.scale ?? 1), spec)))
}

const PROSE = [
  'A clock that is moved every week will never keep',
  'good time. It should stand on a shelf which is level',
  'and out of the sun.',
]
const PROSE_JOINED =
  'A clock that is moved every week will never keep good time. It should stand on a shelf which is level and out of the sun.'

describe('blocksToMarkdown', () => {
  const rows: { name: string; blocks: readonly Block[]; markdown: string }[] = [
    { name: 'is empty for a page without text', blocks: [], markdown: '' },
    { name: 'joins the lines of a paragraph', blocks: [paragraph(PROSE, 0)], markdown: PROSE_JOINED },
    {
      name: 'makes a word whole that was broken at the end of a line',
      blocks: [
        paragraph(['The work was done by non-govern-', 'mental bodies in the south-', 'east of the whole country'], 0),
      ],
      markdown: 'The work was done by non-governmental bodies in the south-east of the whole country',
    },
    {
      name: 'makes a word whole that begins like a prefix and ends like a word',
      blocks: [
        paragraph(
          ['The second visit is made after four-', 'teen days, at a wide road and a cross-', 'ing of two paths'],
          0,
        ),
      ],
      markdown: 'The second visit is made after fourteen days, at a wide road and a crossing of two paths',
    },
    {
      name: 'keeps the ends of lines that were ended on purpose',
      blocks: [paragraph(PROSE, 0), paragraph(['Yours faithfully,', 'M. Aldridge', 'Deputy Surveyor'], 300)],
      markdown: `${PROSE_JOINED}\n\nYours faithfully,  \nM. Aldridge  \nDeputy Surveyor`,
    },
    {
      name: 'writes larger type as headings, by how much larger it is',
      blocks: [
        paragraph(['Clocks'], 0, { scale: 2 }),
        paragraph(['Small clocks'], 100, { scale: 1.5 }),
        paragraph(['1. Position'], 200, { scale: 1.2 }),
        paragraph(PROSE, 300),
      ],
      markdown: `# Clocks\n\n## Small clocks\n\n### 1. Position\n\n${PROSE_JOINED}`,
    },
    {
      name: 'takes no large sentence for a heading',
      blocks: [paragraph(['Small clocks need care.'], 0, { scale: 1.5 }), paragraph(PROSE, 100)],
      markdown: `Small clocks need care.\n\n${PROSE_JOINED}`,
    },
    {
      name: 'writes bullets, also those that Tesseract takes for letters, and numbers as lists',
      blocks: [
        paragraph(['• Confirm the datum', 'e Replace the gauge', '» Send the sheet'], 0),
        paragraph(['1. First', '2. Second'], 300),
      ],
      markdown: '- Confirm the datum\n- Replace the gauge\n- Send the sheet\n1. First\n2. Second',
    },
    {
      name: 'takes no number inside a sentence for a list',
      blocks: [paragraph(['This is what was said at length in chapter', '3. of the book on clocks'], 0)],
      markdown: 'This is what was said at length in chapter 3. of the book on clocks',
    },
    {
      name: 'reads two columns one after the other, under the title that spans them',
      blocks: [
        paragraph(['On the keeping of small clocks and of large ones in all houses'], 0, { scale: 1.6 }),
        paragraph(PROSE, 200),
        paragraph(['Right one', ...PROSE], 200, { x: 1000 }),
        paragraph(['Left two', ...PROSE], 400),
        paragraph(['Right two', ...PROSE], 420, { x: 1000 }),
      ],
      markdown: [
        '## On the keeping of small clocks and of large ones in all houses',
        PROSE_JOINED,
        `Left two  \n${PROSE_JOINED}`,
        `Right one  \n${PROSE_JOINED}`,
        `Right two  \n${PROSE_JOINED}`,
      ].join('\n\n'),
    },
    {
      name: 'continues in the next column a sentence that was broken at the end of the first',
      blocks: [
        paragraph(['A clock that is moved every week will never', 'keep good time. It should stand on a'], 0),
        paragraph(['shelf which is level, dry and out of the sun,', 'and nobody should lean against the wall.'], 0, {
          x: 1000,
        }),
      ],
      markdown:
        'A clock that is moved every week will never keep good time. It should stand on a shelf which is level, dry and ' +
        'out of the sun, and nobody should lean against the wall.',
    },
    {
      name: 'keeps a running head apart from the sentence that goes on under it',
      blocks: [
        paragraph(['Field manual'], 0),
        paragraph(['passed to the county, and nobody should lean against it.'], 60),
      ],
      markdown: 'Field manual\n\npassed to the county, and nobody should lean against it.',
    },
    {
      name: 'reads a table row by row, with its rules and without',
      blocks: [
        block(
          [
            ruledRow(['Station', 'Depth', 'Bottom'], 0),
            ruledRow(['A2', '6.90', 'sand'], 60),
            ruledRow(['B1', '', 'rock'], 120),
          ],
          'table',
        ),
        paragraph(['Parts', 'Labour'], 400),
        paragraph(['2,100', '300'], 400, { x: 500 }),
      ],
      markdown:
        '| Station | Depth | Bottom |\n| --- | --- | --- |\n| A2 | 6.90 | sand |\n| B1 |  | rock |\n\n' +
        '| Parts | 2,100 |\n| --- | --- |\n| Labour | 300 |',
    },
    {
      name: 'keeps the rows of a table that is no grid as lines',
      blocks: [block([line('Balance sheet', 0), line('Net | 30', 60), line('In thousands', 120)], 'table')],
      markdown: 'Balance sheet  \nNet | 30  \nIn thousands',
    },
    {
      name: 'leaves out what Tesseract sees in pictures and rules',
      blocks: [
        paragraph(['— ~ | .'], 0),
        paragraph(['ER [J sx ml'], 100, { confidence: 30 }),
        paragraph(PROSE, 200),
        paragraph(['Untightened nut'], 400, { confidence: 50 }),
      ],
      markdown: `${PROSE_JOINED}\n\nUntightened nut`,
    },
    {
      name: 'joins Chinese words and lines without spaces',
      blocks: [
        paragraph(['为 方便 读者 借阅 ， 青 石 镇 图 书馆 调整 开放', '时 间 ， 自 2023 年 起 。'], 0, { gap: 0.2 }),
      ],
      markdown: '为方便读者借阅，青石镇图书馆调整开放时间，自2023年起。',
    },
    {
      name: 'escapes what Markdown would take for marks',
      blocks: [
        paragraph(['# 5 is *no* heading, and <b> no tag'], 0),
        paragraph(['1984. was a_long _year_ of 2 * 3'], 100),
      ],
      markdown: '\\# 5 is \\*no\\* heading, and \\<b> no tag\n\n1984\\. was a_long \\_year\\_ of 2 * 3',
    },
  ]
  for (const { name, blocks, markdown } of rows) it(name, () => assert.equal(blocksToMarkdown(blocks).text, markdown))
})

describe('blocksToText', () => {
  it('writes the same without marks', () => {
    const blocks = [
      paragraph(['Clocks'], 0, { scale: 2 }),
      paragraph(['# 5 is *no* heading'], 100),
      paragraph(['2. second'], 200),
      block([ruledRow(['Station', 'Depth'], 300), ruledRow(['A2', '6.90'], 360)], 'table'),
    ]
    assert.equal(blocksToText(blocks).text, 'Clocks\n\n# 5 is *no* heading\n\n2. second\n\nStation  Depth\nA2  6.90')
  })
})

describe('the blocks of what was read', () => {
  const read = [
    paragraph(['Clocks'], 0, { scale: 2 }),
    paragraph(PROSE, 200, { confidence: 90 }),
    paragraph(['- one thing here', '- another thing here'], 500),
    block([ruledRow(['Station', 'Depth'], 700), ruledRow(['A2', '6.90'], 750), ruledRow(['A3', '7.10'], 800)]),
  ]

  for (const [name, write] of [
    ['Markdown', blocksToMarkdown],
    ['text', blocksToText],
  ] as const)
    it(`stand in their ${name} one after the other, with only white space between them`, () => {
      const { text, blocks } = write(read)
      assert.equal(blocks.length, 5)
      let end = 0
      for (const block of blocks) {
        assert.equal(text.slice(end, block.start).trim(), '')
        assert.notEqual(text.slice(block.start, block.end).trim(), '')
        end = block.end
      }
      assert.equal(end, text.length)
    })

  it('have the rectangle around their lines, and how sure Tesseract is of their words', () => {
    const [heading, prose, , , table] = blocksToMarkdown(read).blocks
    assert.deepEqual(heading?.box, [100, 0, 280, 60])
    assert.equal(heading?.confidence, 0.95)
    assert.equal(prose?.confidence, 0.9)
    assert.deepEqual([prose?.box[1], prose?.box[3]], [200, 200 + (PROSE.length - 1) * 45 + HEIGHT])
    assert.deepEqual([table?.box[1], table?.box[3]], [700, 800 + HEIGHT])
  })

  it('are none of a page without text', () => assert.deepEqual(blocksToMarkdown([]), { text: '', blocks: [] }))
})
