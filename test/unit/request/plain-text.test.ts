import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeText } from '../../../gateway/request/plain-text.ts'

const latin1 = (text: string) => Buffer.from(text, 'latin1')

describe('a file that is text', () => {
  for (const { name, bytes, filename = null, text, encoding } of [
    { name: 'in UTF-8', bytes: Buffer.from('Ä 漢'), text: 'Ä 漢', encoding: 'utf-8' },
    { name: 'in another script', bytes: Buffer.from('Привет, мир'), text: 'Привет, мир', encoding: 'utf-8' },
    { name: 'in UTF-16, big end first', bytes: latin1('\xfe\xff\0H\0i'), text: 'Hi', encoding: 'utf-16be' },
    {
      name: 'of a terminal',
      bytes: latin1('\x1b[1mHi\x1b[0m\r\n'),
      text: '\u001b[1mHi\u001b[0m\r\n',
      encoding: 'utf-8',
    },
    { name: 'with an old end mark', bytes: latin1('Hi\x1a'), text: 'Hi\u001a', encoding: 'utf-8' },
    {
      name: 'in windows-1252',
      bytes: latin1('one caf\xe9 \x96 only 5 \x80'),
      text: 'one café – only 5 €',
      encoding: 'windows-1252',
    },
    { name: 'called an old spreadsheet', filename: 'a.xls', bytes: latin1('a\tb'), text: 'a\tb', encoding: 'utf-8' },
  ])
    it(`is decoded: ${name}`, async () => assert.deepEqual(await decodeText(bytes, filename), { text, encoding }))

  for (const { name, bytes, filename = null } of [
    { name: 'nothing', bytes: Buffer.alloc(0) },
    { name: 'a zero', bytes: latin1('Hi\0there') },
    { name: 'a zero far behind', bytes: Buffer.concat([Buffer.alloc(200_000, 'a'), Buffer.alloc(1)]) },
    { name: 'control characters', bytes: latin1('\x01\x02Hi') },
    { name: 'a PDF in letters', bytes: latin1('%PDF-1.4\n1 0 obj\n') },
    { name: 'a PDF by its name', bytes: latin1('Hi'), filename: 'A.PDF' },
    { name: 'rich text', bytes: latin1('{\\rtf1}') },
    { name: 'PostScript', bytes: latin1('%!PS-Adobe') },
    { name: 'UTF-16 that breaks off', bytes: latin1('\xff\xfeH') },
    { name: 'UTF-16 of zeros', bytes: latin1('\xff\xfe\0\0') },
    { name: 'Cyrillic in an older encoding', bytes: latin1('\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0') },
  ])
    it(`is not: ${name}`, async () => assert.equal(await decodeText(bytes, filename), null))
})
