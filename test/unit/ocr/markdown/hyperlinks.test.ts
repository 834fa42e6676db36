import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findHyperlinks } from '../../../../gateway/ocr/markdown/hyperlinks.ts'

describe('the hyperlinks of a page', () => {
  for (const [markdown, links] of [
    ['No link: a [box](x) and f[i](y), see: [1](#note), [page](page-2.md)', []],
    [
      '[a](https://a.example/x_(y)) [b](https://b.example "B") [c](www.c.example)',
      ['https://a.example/x_(y)', 'https://b.example', 'www.c.example'],
    ],
    [
      '[mail](mailto:a@b.example) <mailto:c@d.example> <https://e.example/?a&b>',
      ['mailto:a@b.example', 'mailto:c@d.example', 'https://e.example/?a&b'],
    ],
    [
      '<a href="https://q.example/?a=1&amp;b=2">x</a> <a class="c" href=\'http://r.example\'>',
      ['https://q.example/?a=1&b=2', 'http://r.example'],
    ],
    [
      'See https://a.example/x, (https://b.example/p_(q)) and http://c.example.',
      ['https://a.example/x', 'https://b.example/p_(q)', 'http://c.example'],
    ],
    ['HTTPS://A.example alone, and WWW.b.example not', ['HTTPS://A.example']],
    ['[a](https://a.example) again https://a.example', ['https://a.example']],
    ['![p](https://a.example/p.png) <img src="https://b.example/p.png"> `https://c.example`', []],
    ['```\nhttps://a.example\n```\n\nhttps://b.example', ['https://b.example']],
    ['| a |\n|---|\n| [x](https://a.example) | https://b.example|', ['https://a.example', 'https://b.example']],
    ['Table [tbl-0.md](tbl-0.md), [x](javascript:alert(1))', []],
  ] as const) {
    it(`are ${links.length} in ${JSON.stringify(markdown)}`, () => {
      assert.deepEqual(findHyperlinks(markdown), links)
    })
  }

  it('are looked for in a time that the length of the text decides', () => {
    const start = performance.now()
    for (const piece of ['[', '[a](', 'https://', '<a href=', '(https://a.example/((((', '[a](https://(((']) {
      findHyperlinks(`: ${piece.repeat(60_000 / piece.length)}`)
      findHyperlinks(`https://a.example/${')'.repeat(20_000)}`)
    }
    assert.ok(performance.now() - start < 5000, `${performance.now() - start} ms`)
  })
})
