import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPlainPrint } from '../../../../gateway/engine/tesseract/blocks-plain.ts'
import type { Block, Line } from '../../../../gateway/engine/tesseract/recognition.ts'

function line(top: number, lefts: readonly number[], text = 'word'): Line {
  const words = lefts.map((x0) => ({ text, confidence: 95, box: { x0, y0: top, x1: x0 + 40, y1: top + 20 } }))
  const box = { x0: lefts[0] ?? 0, y0: top, x1: (lefts.at(-1) ?? 0) + 40, y1: top + 20 }
  return { box, confidence: 95, height: 20, size: 10, words }
}

function block(lines: readonly Line[], kind: Block['kind'] = 'text'): Block {
  const box = { x0: 0, y0: 0, x1: 500, y1: 500 }
  return { kind, box, paragraphs: [{ box, lines }] }
}

const prose = (left = 0) => [0, 30, 60, 90].map((top) => line(top, [left, left + 50, left + 100, left + 150]))

describe('plain print', () => {
  const rows: { name: string; blocks: Block[]; isPlain: boolean }[] = [
    { name: 'lines of words below each other', blocks: [block(prose())], isPlain: true },
    { name: 'lines with a footer', blocks: [block([...prose(), line(250, [0, 50, 100, 150])])], isPlain: true },
    { name: 'nothing', blocks: [], isPlain: false },
    { name: 'two columns', blocks: [block(prose()), block(prose(300))], isPlain: false },
    { name: 'a table', blocks: [block(prose()), block([], 'table')], isPlain: false },
    { name: 'wide spaces within lines', blocks: [block([line(0, [0, 50, 200, 250])])], isPlain: false },
    {
      name: 'lines with a space where something was not read',
      blocks: [block([...prose(), line(250, [0, 50, 100, 150]), line(280, [0, 50, 100, 150])])],
      isPlain: false,
    },
    {
      name: 'noise',
      blocks: [block([...prose(), { ...line(120, [0, 50, 100, 150]), confidence: 10 }])],
      isPlain: false,
    },
    { name: 'a program', blocks: [block([...prose(), line(120, [0, 50, 100, 150], 'a={')])], isPlain: false },
    { name: 'labels', blocks: [block([line(0, [0]), line(30, [0]), line(60, [0])])], isPlain: false },
  ]
  for (const { name, blocks, isPlain } of rows)
    it(`is ${isPlain ? '' : 'not '}${name}`, () => {
      assert.equal(isPlainPrint(blocks), isPlain)
    })
})
