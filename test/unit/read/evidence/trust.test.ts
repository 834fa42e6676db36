import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAgreementLevel } from '../../../../gateway/read/evidence/agreement-level.ts'
import { isSane, isTrustworthy } from '../../../../gateway/read/evidence/trust.ts'
import type { TextLayer } from '../../../../gateway/page/text-layer.ts'

const english =
  'All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience and should act towards one another in a spirit of brotherhood.'

const layer = (text: string, facts: Partial<TextLayer> = {}): TextLayer => ({
  text,
  unmapped: 0,
  isOcr: false,
  isWhole: true,
  ...facts,
})

const shifted = (text: string, by: number): string =>
  text.replaceAll(/\S/g, (character) => String.fromCharCode(character.charCodeAt(0) + by))
const rotated = (text: string, by: number): string =>
  text.toLowerCase().replaceAll(/[a-z]/g, (letter) => String.fromCharCode(((letter.charCodeAt(0) - 97 + by) % 26) + 97))

describe('a sane text layer', () => {
  const sane: readonly (readonly [name: string, text: string])[] = [
    ['English', english],
    [
      'German',
      'Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt und sollen einander im Geiste der Brüderlichkeit begegnen.',
    ],
    [
      'Polish',
      'Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Są oni obdarzeni rozumem i sumieniem i powinni postępować wobec innych w duchu braterstwa.',
    ],
    [
      'Vietnamese',
      'Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền lợi. Mọi con người đều được tạo hóa ban cho lý trí và lương tâm và cần phải đối xử với nhau trong tình anh em.',
    ],
    [
      'Russian',
      'Все люди рождаются свободными и равными в своём достоинстве и правах. Они наделены разумом и совестью и должны поступать в отношении друг друга в духе братства.',
    ],
    [
      'Chinese',
      '人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。人人有资格享有本宣言所载的一切权利和自由，不分种族、肤色、性别。',
    ],
    [
      'Arabic',
      'يولد جميع الناس أحرارا متساوين في الكرامة والحقوق وقد وهبوا عقلا وضميرا وعليهم أن يعامل بعضهم بعضا بروح الإخاء',
    ],
    [
      'a table of numbers',
      Array.from({ length: 30 }, (_, row) => `${row} ${row * 37}.${row} ${row * 1000}`).join('\n'),
    ],
    [
      'a table of contents',
      Array.from({ length: 12 }, (_, row) => `Chapter ${row} of it ............................ ${row * 9}`).join('\n'),
    ],
  ]
  for (const [name, text] of sane)
    it(`is ${name}`, () => {
      assert.equal(isSane(layer(text)), true)
    })

  const insane: readonly (readonly [name: string, layer: TextLayer])[] = [
    ['a few words', layer('Page 7 of 12')],
    ['codes of glyphs, 29 too low', layer(shifted(english, -29))],
    ['every letter replaced by another', layer(rotated(english, 7))],
    ['the private use area', layer(shifted(english, 0xf000))],
    ['replacement characters', layer(english.replaceAll(/[aeo]/g, '\uFFFD'))],
    ['a font without Unicode', layer(english, { unmapped: 0.4 })],
    ['letters with gaps between', layer(english.replaceAll(' ', '').split('').join(' '))],
    ['text without any space', layer(english.replaceAll(/[^a-z]/gi, ''))],
    ['signs', layer('!"§ $%& /() =?` *+~ '.repeat(30))],
  ]
  for (const [name, it_] of insane)
    it(`is not ${name}`, () => {
      assert.equal(isSane(it_), false)
    })
})

describe("a text layer that may become its page's text", () => {
  const level = (...agreements: readonly number[]) => {
    const noted = createAgreementLevel()
    for (const agreement of agreements) noted.note(agreement)
    return noted
  }
  const rows: readonly { name: string; layer: TextLayer; level?: readonly number[]; trusted: boolean }[] = [
    { name: 'visible text, nothing known of other pages', layer: layer(english), trusted: true },
    { name: 'visible text of a document that agrees', layer: layer(english), level: [0.97, 0.99], trusted: true },
    { name: 'visible text of a document that does not', layer: layer(english), level: [0.3, 0.2, 0.4], trusted: false },
    { name: 'a page that may hold more', layer: layer(english, { isWhole: false }), trusted: false },
    { name: 'some unreadable characters', layer: layer(english, { unmapped: 0.05 }), trusted: false },
    { name: 'a few words', layer: layer('Page 7'), trusted: false },
    { name: 'text of an OCR, no page known', layer: layer(english, { isOcr: true }), trusted: false },
    { name: 'text of an OCR, one page known', layer: layer(english, { isOcr: true }), level: [1], trusted: false },
    { name: 'text of a good OCR', layer: layer(english, { isOcr: true }), level: [0.93, 0.95], trusted: true },
    { name: 'text of a bad OCR', layer: layer(english, { isOcr: true }), level: [0.6, 0.5, 0.7], trusted: false },
  ]
  for (const { name, layer: candidate, level: agreements = [], trusted } of rows)
    it(`${trusted ? 'is' : 'is not'}: ${name}`, () => {
      assert.equal(isTrustworthy(candidate, level(...agreements)), trusted)
    })
})
