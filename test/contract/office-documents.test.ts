import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { APIError, toFile } from 'openai'
import { OFFICE_PASSWORD, startFakeGotenberg, type FakeGotenberg } from '../fakes/fake-gotenberg.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { makeCompoundFile, makeDocx } from '../fixtures/office-documents.ts'
import { pdfWithFiles } from '../fixtures/portfolio.ts'
import { filePart } from '../support/documents.ts'
import { askStream, askWhole } from '../support/read-answer.ts'
import { answersIn, bodyOf, createBatch, linesOf, untilEnded } from '../support/run-batch.ts'
import { runOcr } from '../support/run-ocr.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { useFolder } from '../support/use-folder.ts'
import { eventually } from '../support/within.ts'

const DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'

const { path: folder } = useFolder()
let vllm: FakeVllm
let gotenberg: FakeGotenberg
let gateway: TestGateway

before(async () => {
  vllm = await startFakeVllm()
  gotenberg = await startFakeGotenberg(2)
  gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: vllm.url, GATEWAY_GOTENBERG_URL: gotenberg.url })
})
after(async () => {
  await gateway.stop()
  await gotenberg[Symbol.asyncDispose]()
  await vllm.close()
})
afterEach(() => gotenberg.behave('pdf'))

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const ask = (bytes: Uint8Array, ocr: object = {}, mediaType = DOCX) => ({ parts: [filePart(bytes, mediaType)], ocr })

async function refusalOf(work: Promise<unknown>): Promise<APIError> {
  const error: unknown = await work.then(
    () => assert.fail('it was not refused'),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof APIError)) throw error
  return error
}

describe('an Office document', () => {
  it('is converted, read page by page, and named by what was sent', async () => {
    const docx = makeDocx('chat')
    const { content, ocr } = await askWhole(gateway.client, ask(docx))
    assert.equal(ocr.pages.length, 2)
    assert.notEqual(content, '')
    assert.deepEqual(ocr.document, { sha256: sha256(docx), media_type: DOCX, pages: 2 })
    for (const { warnings } of ocr.pages) assert.ok(warnings?.some(({ code }) => code === 'converted'))
  })

  it('is converted again for another request, whose pages are in the cache all the same', async () => {
    const docx = makeDocx('twice')
    const first = await askWhole(gateway.client, ask(docx))
    const second = await askStream(gateway.client, ask(docx))
    assert.deepEqual([first.cacheHeader, second.cacheHeader], ['MISS', 'HIT'])
    assert.equal(second.content, first.content)
  })

  it('is told by its content, whatever it is called', async () => {
    const docx = makeDocx('called a PDF')
    const { ocr } = await askWhole(gateway.client, ask(docx, {}, 'application/pdf'))
    assert.equal(ocr.document.media_type, DOCX)
    const doc = await askWhole(gateway.client, ask(makeCompoundFile(['WordDocument']), { pages: '1' }, 'image/png'))
    assert.equal(doc.ocr.document.media_type, 'application/msword')
    assert.equal(gotenberg.forms.at(-1)?.files[0]?.filename, 'document.doc')
    const html = await askWhole(gateway.client, ask(Buffer.from('<!doctype html><p>Hello'), {}, 'text/plain'))
    assert.equal(html.ocr.document.media_type, 'text/html')
  })

  it('is opened with the password of the request, which its PDF has no more', async () => {
    gotenberg.behave('encrypted')
    const docx = makeDocx('secret')
    const wanting = await refusalOf(askWhole(gateway.client, ask(docx)))
    assert.deepEqual([wanting.status, wanting.code], [400, 'document_encrypted'])
    const wrong = await refusalOf(askWhole(gateway.client, ask(docx, { password: 'open' })))
    assert.deepEqual([wrong.status, wrong.code, wrong.param], [400, 'wrong_password', 'ocr.password'])
    const { ocr } = await askWhole(gateway.client, ask(docx, { password: OFFICE_PASSWORD }))
    assert.equal(ocr.pages.length, 2)
  })

  it('is refused with a retry where Gotenberg has no room', async () => {
    gotenberg.behave('busy')
    const error = await refusalOf(askWhole(gateway.client, ask(makeDocx('busy'))))
    assert.deepEqual([error.status, error.code], [503, 'engine_unavailable'])
    assert.equal(error.headers?.get('retry-after'), '7')
    assert.equal(error.headers?.get('x-should-retry'), 'true')
  })

  it('is converted no further when its client leaves', async () => {
    const release = gotenberg.hold()
    const leave = new AbortController()
    const before = gotenberg.left
    const asked = askWhole(gateway.client, { ...ask(makeDocx('left')), signal: leave.signal })
    await eventually(() => gotenberg.running === 1, 5000, 'a conversion')
    leave.abort()
    await assert.rejects(asked)
    await eventually(() => gotenberg.left === before + 1, 5000, 'its connection is closed')
    release()
  })

  it('may be uploaded first, and named in a batch', async () => {
    const docx = makeDocx('stored')
    const file = await gateway.client.files.create({ file: await toFile(docx, 'a.docx'), purpose: 'user_data' })
    const parts = [{ type: 'file' as const, file: { file_id: file.id } }]
    const { ocr } = await askWhole(gateway.client, { parts })
    assert.deepEqual(ocr.document, { sha256: sha256(docx), media_type: DOCX, pages: 2 })
    const body = { model: 'default', messages: [{ role: 'user', content: parts }] }
    const input = linesOf('/v1/chat/completions', [{ custom_id: 'a', body }])
    const batch = await createBatch(gateway.client, '/v1/chat/completions', input)
    const { output_file_id: output } = await untilEnded(gateway.client, batch.id)
    const [answer] = await answersIn(gateway.client, output ?? null)
    assert.match(JSON.stringify(bodyOf(answer)), new RegExp(sha256(docx)))
  })

  it('is read within a portfolio, and named where it cannot be', async () => {
    const portfolio = pdfWithFiles([{ name: 'a.docx', bytes: makeDocx('within') }])
    const types = async () => {
      const { ocr } = await askWhole(gateway.client, { parts: [filePart(portfolio)] })
      const named = ocr.pages
        .flatMap(({ warnings = [] }) => warnings)
        .find(({ code }) => code === 'document_is_portfolio')
      return { types: ocr.documents?.map(({ media_type: type }) => type), named: named?.message }
    }
    assert.deepEqual(await types(), { types: ['application/pdf', DOCX], named: undefined })
    gotenberg.behave('crash')
    assert.match((await types()).named ?? '', /a\.docx \(not to be converted\)/)
    gotenberg.behave('busy')
    const error = await refusalOf(types())
    assert.equal(error.code, 'engine_unavailable')
  })

  it('may be attached to a mail, which is read with what is attached to it', async () => {
    const docx = makeDocx('attached')
    const text = [
      'Message-ID: <1@a.example>',
      'From: a@b.example',
      'Subject: Offer',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: text/html',
      '',
      '<p>See below',
      '--b',
      'Content-Disposition: attachment; filename="offer.docx"',
      'Content-Transfer-Encoding: base64',
      '',
      docx.toString('base64'),
      '--b',
      'Content-Disposition: attachment; filename="prices.csv"',
      '',
      'bolt,3',
      '--b--',
    ].join('\r\n')
    const mail = Buffer.from(text)
    const { ocr } = await askWhole(gateway.client, ask(mail, {}, 'message/rfc822'))
    assert.deepEqual(
      ocr.documents?.map(({ media_type: type, name, pages }) => [type, name, pages]),
      [
        ['message/rfc822', undefined, 0],
        ['text/html', 'message.html', 2],
        [DOCX, 'offer.docx', 2],
      ],
    )
    assert.equal(ocr.documents?.[2]?.sha256, sha256(docx))
    const named = ocr.pages
      .flatMap(({ warnings = [] }) => warnings)
      .find(({ code }) => code === 'document_is_portfolio')
    assert.match(named?.message ?? '', /e-mail message.*prices\.csv/)
    const again = await askWhole(gateway.client, ask(mail, {}, 'message/rfc822'))
    assert.equal(again.cacheHeader, 'HIT')
  })

  it('is read by the other endpoints as well', async () => {
    const document_url = `data:${DOCX};base64,${makeDocx('mistral').toString('base64')}`
    const answer = await fetch(`${gateway.url}/v1/ocr`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'default', document: { type: 'document_url', document_url } }),
    })
    const { pages } = (await answer.json()) as { pages: unknown[] }
    assert.deepEqual([answer.status, pages.length], [200, 2])
    const process = await fetch(`${gateway.url}/process`, { method: 'PUT', body: makeDocx('process') })
    const { page_content: content } = (await process.json()) as { page_content: string }
    assert.equal(process.status, 200)
    assert.notEqual(content, '')
  })

  it('is read by the command line, which finds it in a folder', async () => {
    const docx = makeDocx('in a folder')
    writeFileSync(join(folder, 'letter.docx'), docx)
    writeFileSync(join(folder, 'mail.msg'), 'anything')
    const env = { GATEWAY_UPSTREAM_URLS: vllm.url, GATEWAY_GOTENBERG_URL: gotenberg.url }
    const { code, stdout, stderr } = await runOcr([folder, '--json', '--pages', '1'], { cwd: folder, env })
    assert.equal(code, 0, stderr)
    const { ocr } = JSON.parse(stdout) as { ocr: { document: object } }
    assert.deepEqual(ocr.document, { sha256: sha256(docx), media_type: DOCX, pages: 2 })
    assert.match(stderr, /\.msg 1/)
  })

  it('is counted', async () => {
    const text = await (await fetch(`${gateway.url}/metrics`)).text()
    assert.match(text, /ocr_gateway_conversions_total\{outcome="ok"\} [1-9]/)
    assert.match(text, /ocr_gateway_conversions_total\{outcome="left"\} 1/)
  })
})
