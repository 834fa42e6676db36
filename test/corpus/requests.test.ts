import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { dataUrl, filePart, imagePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askStream, askWhole } from '../support/read-answer.ts'
import { assertReadPageByPage } from '../support/read-alone.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { readCorpus } from './read-corpus.ts'

/** Real documents, each for what is odd about it. */
const documents = [
  { file: 'digital-two-column-paper-arxiv-1901.03003.pdf', oddity: 'figures and tables', pages: '1-4', count: 4 },
  { file: 'scan-medical-report-fictional.pdf', oddity: 'nothing but scans', count: 3 },
  { file: 'scan-jbig2-four-rotations.pdf', oddity: 'portrait and landscape pages', count: 4 },
  { file: 'rtl-arabic-habibi-four-rotations.pdf', oddity: 'all four values of /Rotate', count: 4 },
  { file: 'geometry-page-boxes-qpdf.pdf', oddity: 'crop boxes', count: 8 },
  { file: 'geometry-mixed-sizes-3.pdf', oddity: 'three page sizes', count: 3 },
  { file: 'form-acroform-prefilled-1040.pdf', oddity: 'filled form fields', count: 2 },
]
const paper = () => filePart(readCorpus('public/real/digital-two-column-paper-tracemonkey.pdf'))
const encrypted = () => filePart(readCorpus('public/robust/encrypted-user-password-aes256.pdf'))
const digital = () => filePart(readCorpus('truth/synthetic/synth-digital-multipage-stitch-en.pdf'))

describe('real documents through the official client', () => {
  let fake: FakeVllm
  let gateway: TestGateway

  before(async () => {
    fake = await startFakeVllm()
    gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  for (const { file, oddity, ...read } of documents) {
    it(`are read with each page once, in order, at the size of the profile: ${file} (${oddity})`, async () => {
      await assertReadPageByPage({ bytes: readCorpus(`public/real/${file}`), ...read }, { gateway, fake })
    })
  }

  const refusals = [
    {
      name: 'a media type that nobody reads',
      part: () => ({
        type: 'file' as const,
        file: { file_data: dataUrl(readCorpus('public/formats/image-jxl.jxl'), 'image/jxl') },
      }),
      refusal: { status: 415, code: 'unsupported_media_type', param: 'messages[0].content[0].file.file_data' },
    },
    {
      name: 'a truncated image',
      part: () => imagePart(readCorpus('public/real/corrupt-image-truncated.png')),
      refusal: { status: 400, code: 'document_unreadable', param: 'messages[0].content[0].image_url.url' },
    },
    {
      name: 'an encrypted PDF without its password',
      part: encrypted,
      refusal: { status: 400, code: 'document_encrypted', param: 'messages[0].content[0].file.file_data' },
    },
    {
      name: 'an encrypted PDF with a wrong password',
      part: encrypted,
      ocr: { password: 'guess' },
      refusal: { status: 400, code: 'wrong_password', param: 'ocr.password' },
    },
    {
      name: 'an encrypted PDF, in a dry run',
      part: encrypted,
      ocr: { dry_run: true },
      refusal: { status: 400, code: 'document_encrypted' },
    },
  ]
  for (const { name, part, ocr = {}, refusal } of refusals)
    it(`are refused with ${refusal.status} ${refusal.code}: ${name}`, async () => {
      await assert.rejects(askWhole(gateway.client, { parts: [part()], ocr }), refusal)
    })

  it('are opened with their password, which is never repeated', async () => {
    const ocr = { password: 'open sesame', pages: '1-4' }
    const answer = await askWhole(gateway.client, { parts: [encrypted()], ocr })
    assert.deepEqual(
      answer.ocr.pages.map(({ status }) => status),
      ['ok', 'ok', 'ok', 'ok'],
    )
    assert.ok(!JSON.stringify([answer.content, answer.ocr]).includes('open sesame'))
  })

  it('may be mixed with others, pages numbered through', async () => {
    const image = imagePart(readCorpus('public/formats/image-png-palette-interlaced.png'))
    const [before, behind] = [[41, 42], [43]].map((numbers) => filePart(makePdf(numbers.map((number) => ({ number })))))
    const { content, ocr } = await askWhole(gateway.client, { parts: [before!, image, behind!] })
    assert.deepEqual(
      [...content.matchAll(/This is page (\d+)\./g)].map(([, number]) => Number(number)),
      [41, 42, 43],
    )
    assert.deepEqual(
      ocr.pages.map(({ page, document, document_page }) => [page, document, document_page]),
      [
        [1, 1, 1],
        [2, 1, 2],
        [3, 2, 1],
        [4, 3, 1],
      ],
    )
    assert.deepEqual(
      ocr.documents?.map(({ media_type, pages }) => [media_type, pages]),
      [
        ['application/pdf', 2],
        ['image/png', 1],
        ['application/pdf', 1],
      ],
    )
  })

  it('make no upstream request when asked for again, and have the same answer', async () => {
    const question = { parts: [paper()], ocr: { pages: '1-3' } }
    const before = fake.requests.length
    const first = await askWhole(gateway.client, question)
    assert.equal(first.cacheHeader, 'MISS')
    const again = await askWhole(gateway.client, question)
    assert.equal(again.cacheHeader, 'HIT')
    assert.equal(again.content, first.content)
    assert.deepEqual(
      again.ocr.pages.map(({ cache, width, height }) => [cache, width, height]),
      first.ocr.pages.map(({ width, height }) => ['hit', width, height]),
    )
    assert.equal(again.usage?.total_tokens, first.usage?.total_tokens)
    assert.equal(again.usage?.prompt_tokens_details?.cached_tokens, first.usage?.prompt_tokens)
    const streamed = await askStream(gateway.client, question)
    assert.deepEqual([streamed.cacheHeader, streamed.content], ['HIT', first.content])
    assert.equal(fake.requests.length - before, 3)
  })

  it("stream the first page's text while later pages are still being rasterized", async () => {
    const before = fake.requests.length
    const question = {
      model: 'default',
      stream: true as const,
      messages: [{ role: 'user' as const, content: [paper()] }],
      ocr: { cache: 'off' },
    }
    const stream = await gateway.client.chat.completions.create(question)
    let askedAtFirstText = 0
    for await (const chunk of stream) {
      if (askedAtFirstText === 0 && chunk.choices[0]?.delta.content) askedAtFirstText = fake.requests.length - before
    }
    assert.ok(askedAtFirstText < 14, `${askedAtFirstText} of 14 pages had been asked for at the first text`)
    assert.equal(fake.requests.length - before, 14)
  })

  it('are known again where preparation did not change them', async () => {
    const ask = async (prepare: object) =>
      (await askWhole(gateway.client, { parts: [digital()], ocr: { pages: '1', prepare } })).ocr.pages[0]?.cache
    await ask({})
    assert.equal(await ask({ deskew: true }), 'hit')
    assert.equal(await ask({ binarize: true }), 'miss')
  })
})
