import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openMail } from '../../../../gateway/rasterizer/mail/open-mail.ts'

/** A mail as programs send it: lines end in CR LF. */
const mail = (...lines: readonly string[]): Buffer => Buffer.from(lines.join('\r\n'))

async function filesOf(bytes: Buffer, maxFileBytes = 1_000_000) {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
  shared.set(bytes)
  await using document = openMail(shared)
  assert.equal(document.pageCount, 0)
  const { files } = await document.facts!({ maxFileBytes })
  return files!.map(({ name, bytes: content, problem }) => ({
    name,
    problem,
    text: content === null ? null : Buffer.from(content).toString(),
  }))
}

async function messageOf(bytes: Buffer): Promise<string> {
  const [message] = await filesOf(bytes)
  assert.equal(message?.name, 'message.html')
  return message.text ?? ''
}

const HEAD = [
  'From: Ann <ann@a.example>',
  'To: bob@b.example',
  'Subject: Offer',
  'Message-ID: <1@a>',
  'MIME-Version: 1.0',
]

describe('a mail', () => {
  it('is its head and its text', async () => {
    const html = await messageOf(mail(...HEAD, 'Date: Sat, 28 Nov 2026 10:00:00 +0000', '', 'Dear Bob,', '  5 < 6', ''))
    assert.match(html, /<b>From<\/b><\/td><td>Ann &lt;ann@a\.example&gt;/)
    assert.match(html, /<b>Subject<\/b><\/td><td>Offer</)
    assert.match(html, /<b>Date<\/b><\/td><td>Sat, 28 Nov 2026/)
    assert.match(html, /Dear Bob,<br>\n&nbsp;&nbsp;5 &lt; 6/)
    assert.doesNotMatch(html, /Message-ID|Attachments/)
  })

  const subjects = [
    ['=?utf-8?q?M=C3=BCller_=26_S=C3=B6hne?=', 'Müller &amp; Söhne'],
    ['=?iso-8859-1?Q?M=FCller?= =?UTF-8?B?IMO2?=', 'Müller ö'],
    ['=?gb2312?B?1tC5+g==?=', '中国'],
    ['=?unknown?q?a=FCb?=', 'aüb'],
    ['a=?broken', 'a=?broken'],
    ['folded\r\n  and folded', 'folded and folded'],
  ] as const
  for (const [written, read] of subjects)
    it(`has a subject that is decoded: ${read}`, async () => {
      const html = await messageOf(mail(`Subject: ${written}`, 'From: a@b.example', '', 'x'))
      assert.ok(html.includes(`<td>${read}</td>`), html)
    })

  const bodies = [
    {
      how: 'quoted-printable',
      charset: 'iso-8859-1',
      body: 'M=FCller und =\r\nS=F6hne =XY',
      read: 'Müller und Söhne =XY',
    },
    { how: 'base64', charset: 'utf-8', body: Buffer.from('Müller').toString('base64'), read: 'Müller' },
    { how: '8bit', charset: 'utf-8', body: 'Müller', read: 'Müller' },
    { how: '8bit', charset: 'nobody-knows-it', body: 'plain', read: 'plain' },
  ]
  for (const { how, charset, body, read } of bodies)
    it(`has a text that is decoded: ${how}, ${charset}`, async () => {
      const type = `Content-Type: text/plain; charset="${charset}"`
      const html = await messageOf(mail(...HEAD, type, `Content-Transfer-Encoding: ${how}`, '', body))
      assert.ok(html.includes(`<p>${read}</p>`), html)
    })

  it('is shown as HTML where it has that, without what runs or leads out of it', async () => {
    const html = await messageOf(
      mail(
        ...HEAD,
        'Content-Type: multipart/alternative; boundary=b',
        '',
        'not shown',
        '--b',
        'Content-Type: text/plain',
        '',
        'plain form',
        '--b',
        'Content-Type: text/html',
        '',
        '<html><head><link href="http://x.example/a.css"></head><body onload="x()"><script>evil()</script>',
        '<p onclick="x()">HTML form<img src="https://x.example/pixel.png"><iframe src="http://x.example"></iframe></p>',
        '--b--',
        'not shown either',
      ),
    )
    assert.match(html, /<p>HTML form<img><\/p>/)
    assert.doesNotMatch(html, /plain form|not shown|x\.example|evil|onclick|onload/)
  })

  it('shows the pictures that came along, and has the other files as files', async () => {
    const files = await filesOf(
      mail(
        ...HEAD,
        'Content-Type: multipart/mixed; boundary="outer"',
        '',
        '--outer',
        'Content-Type: multipart/related; boundary="outer-inner"',
        '',
        '--outer-inner',
        'Content-Type: text/html; charset=utf-8',
        '',
        '<p>See <img src="cid:logo@a"> and <img src="cid:none"></p>',
        '--outer-inner',
        'Content-Type: image/png; name=logo.png',
        'Content-ID: <logo@a>',
        'Content-Transfer-Encoding: base64',
        '',
        'cGl4ZWxz',
        '--outer-inner--',
        '--outer',
        "Content-Disposition: attachment; filename*=utf-8''Angebot%20%E2%82%AC.pdf",
        'Content-Type: application/pdf',
        'Content-Transfer-Encoding: base64',
        '',
        Buffer.from('%PDF-1.7').toString('base64'),
        '--outer',
        'Content-Type: text/plain; name="../notes.txt"',
        'Content-Disposition: attachment; filename="../notes.txt"',
        '',
        'a note',
        '--outer',
        'Content-Type: message/rfc822',
        '',
        'Subject: within',
        '',
        'inner',
        '--outer--',
      ),
    )
    assert.deepEqual(
      files.map(({ name }) => name),
      ['message.html', 'Angebot €.pdf', 'notes.txt', 'message 3.eml'],
    )
    assert.match(files[0]?.text ?? '', /<img src="data:image\/png;base64,cGl4ZWxz">/)
    assert.match(files[0]?.text ?? '', /<b>Attachments<\/b><\/td><td>Angebot €\.pdf, notes\.txt, message 3\.eml</)
    assert.deepEqual(
      files.slice(1).map(({ text }) => text),
      ['%PDF-1.7', 'a note', 'Subject: within\r\n\r\ninner'],
    )
  })

  it('leaves files that are too large together', async () => {
    const part = (name: string, bytes: number) => [
      '--b',
      `Content-Disposition: attachment; filename=${name}`,
      '',
      'x'.repeat(bytes),
    ]
    const files = await filesOf(
      mail(
        ...HEAD,
        'Content-Type: multipart/mixed; boundary=b',
        '',
        ...part('a', 3000),
        ...part('b', 6000),
        ...part('c', 100),
        '--b--',
      ),
      5000,
    )
    assert.deepEqual(
      files.map(({ name, problem }) => [name, problem]),
      [
        ['message.html', null],
        ['a', null],
        ['b', 'too_large'],
        ['c', null],
      ],
    )
  })

  const hostile: readonly { name: string; bytes: Buffer }[] = [
    { name: 'nothing but a head', bytes: mail(...HEAD) },
    { name: 'a boundary that never comes', bytes: mail(...HEAD, 'Content-Type: multipart/mixed; boundary=b', '', 'x') },
    { name: 'parts that are cut off', bytes: mail(...HEAD, 'Content-Type: multipart/mixed; boundary=b', '', '--b', 'Content-Type: text/html', '', '<p>half') }, // prettier-ignore
    { name: 'a head of a megabyte', bytes: mail('Subject: x', `X-Long: ${'y'.repeat(1_000_000)}`, '', 'x') },
    { name: 'a line of three megabytes', bytes: mail(...HEAD, '', 'x'.repeat(3_000_000)) },
    { name: 'a boundary on every line', bytes: mail(...HEAD, 'Content-Type: multipart/mixed; boundary=b', '', ...Array.from({ length: 50_000 }, () => '--b')) }, // prettier-ignore
    { name: 'parts within each other, a hundred deep', bytes: nested(100) },
    { name: 'HTML of elements within each other, very deep', bytes: mail(...HEAD, 'Content-Type: text/html', '', '<div>'.repeat(20_000)) }, // prettier-ignore
    { name: 'encoded words without an end', bytes: mail(`Subject: ${'=?utf-8?q?'.repeat(20_000)}`, 'From: a@b.example', '', 'x') }, // prettier-ignore
  ]
  for (const { name, bytes } of hostile)
    it(`is taken apart in time, whatever it is: ${name}`, async () => {
      const began = performance.now()
      const files = await filesOf(bytes, 10_000_000)
      assert.equal(files[0]?.name, 'message.html')
      assert.ok(performance.now() - began < 10_000)
    })
})

function nested(depth: number): Buffer {
  const lines = Array.from({ length: depth }, (_, index) => [
    `Content-Type: multipart/mixed; boundary=b${index}`,
    '',
    `--b${index}`,
  ])
  return mail(...HEAD, ...lines.flat(), 'Content-Type: text/plain', '', 'in the middle')
}
