import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkFormat } from '../../../../../gateway/ocr/fields/formats/formats.ts'

/** Values of a format: those that are right with their normal form, and others with the status they have. */
interface Vectors {
  readonly source: string
  readonly right: Readonly<Record<string, string>>
  readonly others: Readonly<Record<string, 'doubtful' | 'invalid'>>
}

const vectors: Readonly<Record<string, Vectors>> = {
  iban: {
    source: 'the examples of the IBAN Registry',
    right: {
      'GB82 WEST 1234 5698 7654 32': 'GB82WEST12345698765432',
      'IBAN: DE89 3704 0044 0532 0130 00': 'DE89370400440532013000',
      AT611904300234573201: 'AT611904300234573201',
      BE68539007547034: 'BE68539007547034',
      FR1420041010050500013M02606: 'FR1420041010050500013M02606',
      NL91ABNA0417164300: 'NL91ABNA0417164300',
      IT60X0542811101000000123456: 'IT60X0542811101000000123456',
      ES9121000418450200051332: 'ES9121000418450200051332',
      PL61109010140000071219812874: 'PL61109010140000071219812874',
      PT50000201231234567890154: 'PT50000201231234567890154',
      'ch93 0076 2011 6238 5295 7': 'CH9300762011623852957',
      MT84MALT011000012345MTLCAST001S: 'MT84MALT011000012345MTLCAST001S',
      NO9386011117947: 'NO9386011117947',
      SA0380000000608010167519: 'SA0380000000608010167519',
    },
    others: {
      DE89370400440532013001: 'invalid',
      DE98370400440532013000: 'invalid',
      DE8937040044053201300: 'invalid',
      'DE89 3704': 'invalid',
      'not known': 'invalid',
      // Right check digits, and no country.
      ZZ22370400440532013000: 'doubtful',
    },
  },
  'vat-id': {
    source: 'the examples of python-stdnum, and numbers that companies print on their letters',
    right: {
      DE136695976: 'DE136695976',
      'DE 129 273 398': 'DE129273398',
      ATU13585627: 'ATU13585627',
      'BE 428759497': 'BE0428759497',
      BE0428759497: 'BE0428759497',
      DK13585628: 'DK13585628',
      'ES B-58378431': 'ESB58378431',
      ES54362315K: 'ES54362315K',
      ESX2482300W: 'ESX2482300W',
      ESJ99216582: 'ESJ99216582',
      FI20774740: 'FI20774740',
      'Fr 40 303 265 045': 'FR40303265045',
      FR23334175221: 'FR23334175221',
      IT00743110157: 'IT00743110157',
      LU15027442: 'LU15027442',
      NL004495445B01: 'NL004495445B01',
      NL123456789B13: 'NL123456789B13',
      PL8567346215: 'PL8567346215',
      PT501964843: 'PT501964843',
      SE123456789701: 'SE123456789701',
      EL094259216: 'EL094259216',
      'GR 094259216': 'EL094259216',
      IE6433435F: 'IE6433435F',
      IE6433435OA: 'IE6433435OA',
      IE8D79739I: 'IE8D79739I',
      HR33392005961: 'HR33392005961',
      HU12892312: 'HU12892312',
      SI50223054: 'SI50223054',
      SK2022749619: 'SK2022749619',
      MT11679112: 'MT11679112',
      EE100931558: 'EE100931558',
      LT119511515: 'LT119511515',
    },
    others: {
      DE136695977: 'invalid',
      ATU13585626: 'invalid',
      BE0428759496: 'invalid',
      ESB58378432: 'invalid',
      ESX2482300X: 'invalid',
      FR41303265045: 'invalid',
      IT00743110158: 'invalid',
      NL004495446B01: 'invalid',
      PL8567346214: 'invalid',
      PT501964842: 'invalid',
      DE12345: 'invalid',
      US123456789: 'invalid',
      '136695976': 'doubtful',
    },
  },
  'cn-id': {
    source: 'the examples of GB 11643-1999',
    right: { '11010519491231002X': '11010519491231002X', '440524 18800101 0014': '440524188001010014' },
    others: {
      '11010519491231002x1': 'invalid',
      '110105194912310021': 'invalid',
      '11010519491331002X': 'invalid',
      '110105491231002': 'doubtful',
    },
  },
  'cn-uscc': {
    source: 'the example of GB 32100-2015, and codes that companies publish',
    right: {
      '91350100M000100Y43': '91350100M000100Y43',
      '9144030071526726xg': '9144030071526726XG',
      '914403001922038216': '914403001922038216',
    },
    others: { '91350100M000100Y44': 'invalid', '91350100M000100Y4': 'invalid', '9135O100M000100Y43': 'invalid' },
  },
  date: {
    source: 'ISO 8601',
    right: {
      '2026-03-04': '2026-03-04',
      '2026/3/4': '2026-03-04',
      '20260304': '2026-03-04',
      '04.03.2026': '2026-03-04',
      '4. 3. 2026': '2026-03-04',
      '25/12/2026': '2026-12-25',
      '12/25/2026': '2026-12-25',
      '5/5/2026': '2026-05-05',
      'March 4, 2026': '2026-03-04',
      '4th March 2026': '2026-03-04',
      'Sept. 9, 2026': '2026-09-09',
      'Mittwoch, 4. März 2026': '2026-03-04',
      '1er février 2026': '2026-02-01',
      '4 de marzo de 2026': '2026-03-04',
      '4 maggio 2026': '2026-05-04',
      '4 maja 2026': '2026-05-04',
      '2026年3月4日': '2026-03-04',
      '29.02.2024': '2024-02-29',
    },
    others: {
      '03/04/2026': 'doubtful',
      '4-3-2026': 'doubtful',
      '04.03.26': 'doubtful',
      '4 March 26': 'doubtful',
      '29.02.2026': 'invalid',
      '31.04.2026': 'invalid',
      '13/13/2026': 'invalid',
      'next week': 'invalid',
      '2026': 'invalid',
      '4 3 2026 Smarch': 'invalid',
    },
  },
  'date-time': {
    source: 'RFC 3339, section 5.8',
    right: {
      '1985-04-12T23:20:50.52Z': '1985-04-12T23:20:50.52Z',
      '1996-12-19T16:39:57-08:00': '1996-12-19T16:39:57-08:00',
      '1990-12-31t23:59:60z': '1990-12-31T23:59:60Z',
    },
    others: { '1985-04-12': 'invalid', '1985-04-12T23:20:50': 'invalid', '1985-04-31T23:20:50Z': 'invalid' },
  },
  amount: {
    source: 'how amounts are written',
    right: {
      '1.234,56 €': '1234.56 EUR',
      '€ 1,234.56': '1234.56 EUR',
      '$1,234.50': '1234.50 $',
      'USD 12': '12 USD',
      '12,5 EUR': '12.5 EUR',
      "CHF 1'234.50": '1234.50 CHF',
      '1 234 567,89 zł': '1234567.89 PLN',
      '1.234.567': '1234567',
      '(12.00)': '-12.00',
      '-12.00': '-12.00',
      '12,50-': '-12.50',
      '−7 €': '-7 EUR',
      '0,125': '0.125',
      '12,-': '12',
      '￥100': '100 ¥',
      '100元': '100 CNY',
      'kr 99,00': '99.00 kr',
      '007': '7',
    },
    others: {
      '1.234': 'doubtful',
      '1,234 €': 'doubtful',
      '1.2.3': 'invalid',
      '1,23.456,00': 'invalid',
      '12 apples': 'invalid',
      'EUR 12 USD': 'invalid',
      '(12': 'invalid',
      many: 'invalid',
      '': 'invalid',
    },
  },
  'invoice-number': {
    source: 'how they look',
    right: { 'RE-2026/0815': 'RE-2026/0815', ' 4711 ': '4711' },
    others: { 'see above': 'doubtful', 'A<1>': 'doubtful', [`1${'2'.repeat(60)}`]: 'invalid' },
  },
  email: {
    source: 'RFC 5321',
    right: { 'Jo.Do@Example.com': 'Jo.Do@example.com', 'a@b.de': 'a@b.de', 'x@müller.de': 'x@müller.de' },
    others: { 'a@b': 'invalid', 'a b@c.de': 'invalid', '@c.de': 'invalid', 'a@@c.de': 'invalid', 'a@-c.de': 'invalid' },
  },
  uri: {
    source: 'RFC 3986, section 1.1.2',
    right: {
      'ftp://ftp.is.co.za/rfc/rfc1808.txt': 'ftp://ftp.is.co.za/rfc/rfc1808.txt',
      'mailto:John.Doe@example.com': 'mailto:John.Doe@example.com',
      'tel:+1-816-555-1212': 'tel:+1-816-555-1212',
    },
    others: { 'example.com': 'invalid', 'https://a b': 'invalid', 'http://': 'invalid' },
  },
}

for (const [format, { source, right, others }] of Object.entries(vectors)) {
  describe(`the format ${format} (${source})`, () => {
    for (const [text, normalized] of Object.entries(right)) {
      it(`reads ${JSON.stringify(text)}`, () =>
        assert.deepEqual(checkFormat(format, text), { status: 'ok', normalized, reason: null }))
    }
    for (const [text, status] of Object.entries(others)) {
      it(`finds ${JSON.stringify(text.slice(0, 30))} ${status}, and says why`, () => {
        const verdict = checkFormat(format, text)
        assert.equal(verdict?.status, status)
        assert.match(verdict.reason ?? '', /\w/)
      })
    }
  })
}

describe('formats', () => {
  it('that are none of these pass', () => {
    assert.equal(checkFormat('ipv4', 'no'), null)
    assert.equal(checkFormat('constructor', 'no'), null)
    assert.equal(checkFormat(7, 'no'), null)
  })

  it('take no time for long values, whatever these are', () => {
    const started = performance.now()
    for (const format of Object.keys(vectors)) {
      for (const part of ['1', ' ', '1 ', '.', '1,', 'DE', '年', '-', '1.-', '@', "'"]) {
        assert.notEqual(checkFormat(format, part.repeat(1000))?.status, 'ok')
        checkFormat(format, part.repeat(Math.floor(999 / part.length)))
        checkFormat(format, part.repeat(Math.floor(60 / part.length)))
      }
    }
    assert.ok(performance.now() - started < 1000)
  })
})
