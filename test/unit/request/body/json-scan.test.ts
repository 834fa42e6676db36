import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createJsonScan, type JsonLimits } from '../../../../gateway/request/body/json-scan.ts'
import { seededRandom } from '../../../support/seeded-random.ts'

const NO_LIMITS = {
  levels: Infinity,
  containers: Infinity,
  strings: Infinity,
  values: Infinity,
  outlineBytes: Infinity,
}

/** Looks at a text that arrives in pieces of so many bytes. */
function scanned(json: string, pieceBytes = Infinity, limits: Partial<JsonLimits> = {}) {
  const bytes = Buffer.from(json)
  const scan = createJsonScan({ ...NO_LIMITS, ...limits })
  let limit = null
  for (let end = 0; end < bytes.length && limit === null;) {
    end = Math.min(bytes.length, end + pieceBytes)
    // What has not arrived is not looked at.
    const arrived = Buffer.concat([bytes.subarray(0, end), Buffer.from('"]}'.repeat(9))])
    limit = scan.advance(arrived, end)
  }
  return { bytes, scan, limit }
}

/** The outline, with a bare ellipsis for each mark. */
function outline(json: string, pieceBytes?: number): string {
  const { bytes, scan } = scanned(json, pieceBytes)
  return scan
    .outline(bytes)
    .toString()
    .replaceAll(/…\([0-9a-f]{16}\.\d+\)/g, '…')
}
/** Its second character tells that it is no address. */
const long = 'x/'.repeat(2500)
const head = `${long.slice(0, 64)}…`

describe('the outline of a JSON text', () => {
  const rows = [
    { name: 'keeps short strings', value: { model: 'm', messages: [{ content: 'Hi "there" \\', n: 1.5, x: null }] } },
    {
      name: 'leaves out the content of long strings',
      value: { a: long, b: [long, 'kept'], [long]: 1 },
      outlined: { a: head, b: [head, 'kept'], [head]: 1 },
    },
    {
      name: 'is not misled by escaped quotes and backslashes',
      value: { a: `${long}"`, b: `"${long}\\`, c: `\\"${long}\\\\"`, d: '\\', e: '"' },
      outlined: { a: head, b: `"${long.slice(0, 62)}…`, c: `\\"${long.slice(0, 60)}…`, d: '\\', e: '"' },
    },
    {
      name: 'keeps characters of every alphabet',
      value: { a: 'Ünïcode 文字 🙂', b: '文'.repeat(3000) },
      outlined: { a: 'Ünïcode 文字 🙂', b: `${'文'.repeat(1344)}…` },
    },
    {
      name: 'keeps the beginning of long strings, up to what must not be cut',
      value: { a: `data:image/png;base64,${long}`, b: `http://a\t${long}`, c: `ab文${long}` },
      outlined: {
        a: `data:image/png;base64,${long.slice(0, 42)}…`,
        b: `http://a\t${long.slice(0, 54)}…`,
        c: `ab文${long.slice(0, 59)}…`,
      },
    },
    {
      name: 'keeps as much of a long string as tells whether it is an address',
      value: {
        a: `${'a'.repeat(100)}://b${long}`,
        b: `${' '.repeat(100)}http://b${long}`,
        c: `${'\n'.repeat(100)}b,${long}`,
      },
      outlined: { a: `${'a'.repeat(100)}://…`, b: `${' '.repeat(100)}http://…`, c: `${'\n'.repeat(100)}b,x/…` },
    },
  ]
  for (const { name, value, outlined = value } of rows) {
    it(name, () => {
      for (const pieceBytes of [1000, 4099, Infinity]) {
        assert.deepEqual(JSON.parse(outline(JSON.stringify(value), pieceBytes)), outlined)
      }
    })
  }

  it('keeps the beginning of long strings that are written in escapes', () => {
    const escaped = (text: string) => Array.from(text, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`).join('')
    const outlined = outline(`{"a":"${escaped('http://a/')}${escaped('x'.repeat(5000))}"}`)
    assert.deepEqual(JSON.parse(outlined), { a: `http://a/${'x'.repeat(663)}…` })
  })

  it('is invalid JSON where the text is', () => {
    for (const json of [`{"a":"${long}`, `{"a":"${long}"`, `{"a":"${long}",}`, `{"a" "${long}"}`, '"', '']) {
      assert.throws(() => JSON.parse(outline(json)), SyntaxError)
    }
  })
})

describe('a look at a JSON text', () => {
  const random = seededRandom(5)
  const texts = ['', 'a', '"', '\\', '\\"', 'é文🙂', '\n', '{[,:]}', '…', 'x'.repeat(5000), `"\\${'y"'.repeat(3000)}`, '文'.repeat(2000)] // prettier-ignore
  const text = () => random.pick(texts) + String(random.integer(0, 9))

  function value(levels: number): unknown {
    const kind = random.integer(0, levels > 0 ? 5 : 3)
    if (kind < 2) return text()
    if (kind < 4) return random.pick([null, true, -1.5e3, 0])
    const inner = Array.from({ length: random.integer(0, 4) }, () => value(levels - 1))
    return kind === 4 ? inner : Object.fromEntries(inner.map((each, index) => [`${text()}${index}`, each]))
  }

  /** Puts long strings back in the place of their marks, by hand. */
  function restored({ bytes, scan }: ReturnType<typeof scanned>): unknown {
    const restore = (held: string): string => {
      const found = scan.find(held)
      return found === null ? held : (JSON.parse(bytes.toString('utf8', found.open, found.close + 1)) as string)
    }
    const outlined = scan.outline(bytes).toString()
    return JSON.parse(outlined, (_, held: unknown) => {
      if (typeof held === 'string') return restore(held)
      if (typeof held !== 'object' || held === null || Array.isArray(held)) return held
      return Object.fromEntries(Object.entries(held).map(([name, each]) => [restore(name), each as unknown]))
    })
  }

  it('loses nothing, however the text was cut into pieces', () => {
    for (let round = 0; round < 200; round++) {
      const whole = value(5)
      const json = JSON.stringify(whole, null, random.pick([0, 2]))
      for (const pieceBytes of [Infinity, random.integer(1, 3000)]) {
        assert.deepEqual(restored(scanned(json, pieceBytes)), whole)
      }
    }
  })

  it('tells where a fault of the outline stands in the text', () => {
    const json = `{"a":"${long}","文":"${'文'.repeat(5000)}","b":1,}`
    const { bytes, scan } = scanned(json)
    const outlined = scan.outline(bytes)
    assert.equal(scan.placeOf(outlined.indexOf('"b"')), bytes.indexOf('"b"'))
    assert.equal(scan.placeOf(outlined.length), bytes.length)
    assert.equal(scan.placeOf(3), 3)
  })

  for (const { name, json, limits, limit } of [
    { name: 'levels', json: '['.repeat(11), limits: { levels: 10 }, limit: 'levels' },
    { name: 'levels of arrays and objects', json: '[{"a":'.repeat(6), limits: { levels: 10 }, limit: 'levels' },
    { name: 'objects', json: '[{},{},{}', limits: { containers: 3 }, limit: 'containers' },
    { name: 'arrays', json: '[[],[],[]', limits: { containers: 3 }, limit: 'containers' },
    { name: 'names and strings', json: '{"a":"b","c":"', limits: { strings: 3 }, limit: 'strings' },
    { name: 'numbers', json: '[1,2,3,', limits: { values: 2 }, limit: 'values' },
    { name: 'blanks', json: ' '.repeat(101), limits: { outlineBytes: 100 }, limit: 'outlineBytes' },
    { name: 'what is within every limit', json: '[[[1,2],{"a":"b"}]]', limits: { levels: 3, containers: 4, strings: 2, values: 2, outlineBytes: 19 }, limit: null }, // prettier-ignore
    { name: 'brackets and commas in strings', json: '["[[[{{{,,,"]', limits: { levels: 1, containers: 1, values: 0 }, limit: null }, // prettier-ignore
    { name: 'long strings', json: `["${long}","${long}"]`, limits: { outlineBytes: 140 }, limit: null },
  ]) {
    it(`counts ${name}`, () => {
      for (const pieceBytes of [1, 7, Infinity]) assert.equal(scanned(json, pieceBytes, limits).limit, limit)
    })
  }

  it('takes time in proportion to the text, whatever its strings hold', () => {
    const seconds = (unit: string) => {
      const bytes = Buffer.from(`["${unit.repeat(4_000_000 / unit.length)}"]`)
      const before = performance.now()
      const scan = createJsonScan(NO_LIMITS)
      for (let end = 65_536; end < bytes.length + 65_536; end += 65_536)
        scan.advance(bytes, Math.min(end, bytes.length))
      assert.equal(scan.longStrings.length, 1)
      return (performance.now() - before) / 1000
    }
    // Some milliseconds each; what looks back from every quote or every piece takes minutes.
    for (const unit of [String.raw`\\`, String.raw`\"`, String.raw`\\\"`, 'x', String.raw`\u0041`])
      assert.ok(seconds(unit) < 2, unit)
  })
})
