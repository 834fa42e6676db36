import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TextLayer } from '../../../../gateway/page/text-layer.ts'
import { createAgreementLevel } from '../../../../gateway/read/evidence/agreement-level.ts'
import { judgeAnswer, type Verdict } from '../../../../gateway/read/evidence/contradiction.ts'
import { chinese, english } from '../../../fixtures/prose.ts'
import { questionOf } from '../../../support/page-prompt.ts'

const layerOf = (text: string, facts: Partial<TextLayer> = {}): TextLayer => ({
  text,
  unmapped: 0,
  isOcr: false,
  isWhole: true,
  ...facts,
})
const russian = `Смотритель каждое утро открывает дверь, записывает час и высоту воды рядом с линией и заводит часы. Полная неделя
умещается на одном листе. В понедельник старый лист отрезают, ставят дату и кладут в длинный ящик под окном. Никто не менял
этот порядок с тех пор, как построили гавань, хотя перо заменили девять раз, а барабан только один раз за сто лет. Посетители
часто спрашивают, зачем так терпеливо измерять воду, если таблицы обещают её высоту на каждый час года.`
/** As it is read with a font whose Unicode map is that of Western Europe. */
const mojibake = Array.from(russian, (sign) => {
  const code = sign.codePointAt(0)!
  return code >= 0x410 && code <= 0x44f ? String.fromCharCode(code - 0x410 + 0xc0) : sign
}).join('')
const scrambledChinese = Array.from(chinese.join('\n'), (sign) =>
  /\p{Script=Han}/u.test(sign) ? String.fromCharCode(0x4e00 + ((sign.charCodeAt(0) * 7919) % 20_000)) : sign,
).join('')

interface Row {
  readonly name: string
  readonly layer: string
  readonly facts?: Partial<TextLayer>
  readonly levels?: readonly number[]
  readonly answer: string
  readonly expected: Verdict | null
}

const whales = `Whales swim far below cold waves. Their songs travel hundreds of miles, between icebergs, through darkness;
sailors heard strange music under wooden hulls.`

const rows: readonly Row[] = [
  { name: 'the page', layer: english, answer: english, expected: 'agrees' },
  { name: 'a fifth of the page', layer: english, answer: english.slice(0, english.length / 5), expected: 'agrees' },
  { name: 'the page in another order', layer: english, answer: english.split('. ').toReversed().join('. '), expected: 'agrees' },
  { name: 'a text about something else', layer: english, answer: whales, expected: 'contradicts' },
  { name: 'a few words', layer: english, answer: '# Page 3', expected: 'short' },
  { name: 'a Chinese page read as something else', layer: chinese.join('\n'), answer: '图书馆星期天不开门，请大家星期六以前还书，谢谢合作。', expected: 'contradicts' },
  { name: 'a Chinese page', layer: chinese.join('\n'), answer: chinese.join(''), expected: 'agrees' },
  { name: 'a Russian page read as something else', layer: russian, answer: whales, expected: 'contradicts' },
  { name: 'a short layer', layer: english.slice(0, 200), answer: whales, expected: null },
  { name: 'a layer of one line', layer: 'LINE12 item of a long receipt 12.34\n'.repeat(60), answer: whales, expected: null },
  { name: 'a layer that is not whole', layer: english, facts: { isWhole: false }, answer: whales, expected: null },
  { name: 'an OCR layer', layer: english, facts: { isOcr: true }, answer: whales, expected: null },
  { name: 'an OCR layer, others of which were right', layer: english, facts: { isOcr: true }, levels: [0.9, 1], answer: whales, expected: 'contradicts' },
  { name: 'a document whose other layers are wrong', layer: english, levels: [0.3, 0.2], answer: whales, expected: null },
  { name: 'Russian under a wrong map', layer: mojibake, answer: russian, expected: null },
  { name: 'Russian under a wrong map, misread in Latin letters', layer: mojibake, answer: whales, expected: null },
  { name: 'scrambled Chinese', layer: scrambledChinese, answer: chinese.join('\n'), expected: null },
  { name: 'an answer in another script', layer: english, answer: chinese.join('\n'), expected: null },
] // prettier-ignore

describe('a text layer and an answer', () => {
  for (const { name, layer, facts, levels = [], answer, expected } of rows)
    it(`are judged (${expected ?? 'not at all'}): ${name}`, () => {
      const level = createAgreementLevel()
      for (const agreement of levels) level.note(agreement)
      assert.equal(judgeAnswer(layerOf(layer, facts), level, questionOf(), answer), expected)
    })
})
