import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isListed, parseAddress, portOf, type ListedHost } from '../../../../gateway/document/download/address.ts'

const rules = { listed: [], param: 'the.field' }
const parse = (text: string, from?: string) => parseAddress(text, from === undefined ? null : new URL(from), rules).href

describe('an address of a document', () => {
  for (const { text, from, href } of [
    { text: 'https://document.example/a.pdf', href: 'https://document.example/a.pdf' },
    { text: '  HTTPS://Document.Example:443/a b?c d#e ', href: 'https://document.example/a%20b?c%20d' },
    { text: 'http://bücher.example:8080', href: 'http://xn--bcher-kva.example:8080/' },
    { text: 'https://8.8.8.8/', href: 'https://8.8.8.8/' },
    { text: 'https://[2606:4700:4700::1111]/', href: 'https://[2606:4700:4700::1111]/' },
    { text: '/b', from: 'https://document.example/a?c', href: 'https://document.example/b' },
    { text: 'b', from: 'https://document.example/a/a?c', href: 'https://document.example/a/b' },
    { text: '//other.example/b', from: 'https://document.example/a', href: 'https://other.example/b' },
    { text: 'https://other.example/', from: 'http://document.example/', href: 'https://other.example/' },
  ])
    it(`may be ${text}${from === undefined ? '' : `, redirected from ${from}`}`, () =>
      assert.equal(parse(text, from), href))

  it('is not followed from "https:" to "http:"', () => {
    assert.throws(() => parse('http://document.example/', 'https://document.example/'), {
      code: 'url_not_allowed',
      param: 'the.field',
      message: /^The address redirects, and the redirect is not followed: It leads from "https:" to "http:"/,
    })
  })

  it('is refused without a word of what may be secret in it', () => {
    for (const text of ['https://user:pass@document.example/path?token#part', 'http://10.0.0.1/path?token#part', 'https://:x/'])
      assert.throws(() => parse(text), ({ message }: Error) => !/user:|pass@|path|token|part/.test(message)) // prettier-ignore
  })
})

describe('a listed host', () => {
  const host = (parts: Partial<ListedHost>): ListedHost[] => [
    { host: 'a.example', isSuffix: false, port: null, ...parts },
  ]
  for (const { url, listed, is } of [
    { url: 'http://a.example/', listed: host({}), is: true },
    { url: 'http://A.example.:81/', listed: host({}), is: true },
    { url: 'http://b.a.example/', listed: host({}), is: false },
    { url: 'http://ba.example/', listed: host({ isSuffix: true }), is: false },
    { url: 'http://c.b.a.example/', listed: host({ isSuffix: true }), is: true },
    { url: 'http://a.example/', listed: host({ isSuffix: true }), is: false },
    { url: 'http://a.example/', listed: host({ port: 80 }), is: true },
    { url: 'https://a.example/', listed: host({ port: 443 }), is: true },
    { url: 'https://a.example/', listed: host({ port: 80 }), is: false },
    { url: 'http://[FD00:0::5]/', listed: host({ host: '[fd00::5]' }), is: true },
    { url: 'http://0x7f.1/', listed: host({ host: '127.0.0.1' }), is: true },
    { url: 'http://a.example/', listed: [], is: false },
  ])
    it(`${JSON.stringify(listed)} ${is ? 'is' : 'is not'} ${url}`, () =>
      assert.equal(isListed(new URL(url), listed), is))

  it('has the port of its scheme where it names none', () => {
    assert.deepEqual(['http://a/', 'https://a/', 'http://a:443/'].map((url) => portOf(new URL(url))), [80, 443, 443]) // prettier-ignore
  })
})
