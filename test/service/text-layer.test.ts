import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import type { Answer, FakeRequest } from '../fakes/fake-vllm-answer.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askWhole } from '../support/read-answer.ts'
import { ocrDocument } from '../../gateway/wire/openai/ocr-document.ts'
import { startTestGateway } from '../support/start-gateway.ts'

const TIMEOUT = 60_000
const WORDS =
  'committee monday accounts revenue expenses percent members reserve winter treasurer rents paid motion roof objection librarian volumes returned borrower march gardener apple trees southern wall proposal referred meeting chairman everyone present proceedings'.split(
    ' ',
  )

/** Thirty lines that no other page has. */
const linesOf = (page: number) =>
  Array.from({ length: 30 }, (_, line) =>
    Array.from({ length: 8 }, (_, word) => {
      const index = (page * 7 + line * 11 + word * 5) % WORDS.length
      return word === 7 ? String(page * 10_000 + line * 100 + index) : WORDS[index]
    }).join(' '),
  )
const document = (pages: number) =>
  makePdf(Array.from({ length: pages }, (_, index) => ({ number: index + 1, lines: linesOf(index + 1) })))
const whole = (page: number) => linesOf(page).join('\n')

/** Counts what each page was asked for; the barcode is at the top, so that a lower half shows none. */
async function start(answer: (request: FakeRequest) => Answer) {
  const fake = await startFakeVllm({ answer })
  const gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
  return {
    fake,
    gateway,
    ask: (pages: number, ocr: object = {}) => askWhole(gateway.client, { parts: [filePart(document(pages))], ocr }),
    async [Symbol.asyncDispose]() {
      await gateway.stop()
      await fake.kill()
    },
  }
}

const INVENTED =
  '# Whales\n\nWhales swim far below cold waves. Their songs travel hundreds of miles, between icebergs, through darkness; sailors heard strange music under wooden hulls.'

const pageOf = ({ image }: FakeRequest): number => image?.pageNumber ?? 0
/** A4 is 1088 pixels wide for LightOnOCR-2, and its halves are wider. */
const isHalf = ({ image }: FakeRequest): boolean => (image?.width ?? 0) > 1200

describe('the text layer as evidence', { timeout: TIMEOUT }, () => {
  it('is in the ledger of whole answers, and kept with them', async () => {
    await using setup = await start((request) => whole(pageOf(request)))
    for (const cache of ['miss', 'hit']) {
      const { ocr } = await setup.ask(2)
      assert.deepEqual(
        ocr.pages.map((page) => [page.status, page.cache, page.agreement]),
        [
          ['ok', cache, 1],
          ['ok', cache, 1],
        ],
      )
    }
    assert.equal(setup.fake.requests.length, 2)
  })

  it('has a page that lost half of its words read again, in halves', async () => {
    const lines = linesOf(3)
    await using setup = await start((request) => {
      // The halves overlap, as their images do.
      if (isHalf(request)) return (pageOf(request) === 0 ? lines.slice(13) : lines.slice(0, 18)).join('\n')
      return pageOf(request) === 3 ? lines.slice(0, 15).join('\n') : whole(pageOf(request))
    })
    const { ocr, content } = await setup.ask(5)
    const third = ocr.pages[2]
    assert.deepEqual(
      [third?.status, third?.attempts, third?.reasons, third?.agreement],
      ['repaired', 2, ['low_agreement'], 1],
    )
    assert.equal(content.slice(third?.start, third?.end), lines.join('\n'))
    const halves = setup.fake.requests.filter(isHalf)
    assert.equal(setup.fake.requests.length, 5 + 2)
    assert.deepEqual(
      halves.map(({ image }) => [image?.width, image?.pageNumber]),
      [
        [halves[0]?.image?.width, 3],
        [halves[0]?.image?.width, null],
      ],
    )
    assert.ok(Math.max(...halves.map(({ image }) => Math.max(image?.width ?? 0, image?.height ?? 0))) <= 1540)
    const metrics = await (await fetch(`${setup.gateway.url}/metrics`)).text()
    assert.match(metrics, /ocr_gateway_closer_looks_total\{model="lightonai\/LightOnOCR-2-1B",outcome="better"\} 1/)
  })

  it('is left alone where answers are about something else, and of a few words', async () => {
    await using setup = await start((request) => `An invented text about whales, number ${pageOf(request)}.`)
    for (const cache of ['miss', 'hit']) {
      const { ocr } = await setup.ask(4)
      assert.equal(setup.fake.requests.length, 4)
      for (const page of ocr.pages) {
        assert.deepEqual([page.status, page.cache, page.reasons], ['ok', cache, undefined])
        assert.ok((page.agreement ?? 1) < 0.2)
        assert.deepEqual(
          page.warnings?.map(({ code }) => code),
          ['text_disagrees'],
        )
      }
    }
  })

  it('is left alone where answers are about something else, and it is short itself', async () => {
    await using setup = await start(() => INVENTED)
    const short = makePdf([1, 2].map((number) => ({ number, lines: linesOf(number).slice(0, 5) })))
    const { ocr } = await askWhole(setup.gateway.client, { parts: [filePart(short)] })
    assert.deepEqual(
      ocr.pages.map(({ status, warnings }) => [status, warnings]),
      [
        ['ok', undefined],
        ['ok', undefined],
      ],
    )
  })

  it('is left alone where it is one line over and over', async () => {
    await using setup = await start(() => INVENTED)
    const lines = Array.from({ length: 40 }, (_, line) => `LINE${100 + line} item of a long receipt 12.34`)
    const { ocr } = await askWhole(setup.gateway.client, { parts: [filePart(makePdf([{ number: 1, lines }]))] })
    assert.deepEqual([ocr.pages[0]?.status, ocr.pages[0]?.warnings], ['ok', undefined])
  })
})

describe('answers that contradict the text layer', { timeout: TIMEOUT }, () => {
  const invented = () => INVENTED

  it('do not count: after all attempts the page is its layer, with a warning, and is not kept', async () => {
    await using setup = await start(invented)
    for (const asked of [2 * 3, 4 * 3]) {
      const { ocr, content } = await setup.ask(2)
      assert.equal(setup.fake.requests.length, asked)
      assert.deepEqual(
        ocr.pages.map(({ status, reasons, warnings }) => [status, reasons, warnings?.map(({ code }) => code)]),
        Array.from({ length: 2 }, () => ['fallback', Array(3).fill('low_agreement'), ['text_disagrees']]),
      )
      assert.deepEqual(
        ocr.pages.map(({ start, end }) => content.slice(start, end)),
        [whole(1), whole(2)],
      )
    }
  })

  it('are repaired by another attempt', async () => {
    await using setup = await start((request) => (setup.fake.requests.length === 1 ? INVENTED : whole(pageOf(request))))
    const { ocr, content } = await setup.ask(1)
    assert.deepEqual([ocr.pages[0]?.status, ocr.pages[0]?.reasons], ['repaired', ['low_agreement']])
    assert.equal(content, whole(1))
  })

  it('name their server on /ready, until it reads a page', async () => {
    let isBlind = true
    await using setup = await start((request) => (isBlind ? INVENTED : whole(pageOf(request))))
    const ready = async () => {
      const response = await fetch(`${setup.gateway.url}/ready`)
      const { upstreams } = (await response.json()) as { upstreams: { status: string; warnings?: string[] }[] }
      return [response.status, upstreams[0]?.status, upstreams[0]?.warnings?.[0]?.slice(0, 31)]
    }
    await setup.ask(1)
    assert.deepEqual(await ready(), [200, 'ok', undefined])
    await setup.ask(2)
    assert.deepEqual(await ready(), [200, 'ok', 'its answers hold almost nothing'])
    isBlind = false
    await setup.ask(3)
    assert.deepEqual(await ready(), [200, 'ok', undefined])
  })

  it('are fetched from another server', async () => {
    await using other = await startFakeVllm({ answer: (request) => whole(pageOf(request)) })
    const blind = await startFakeVllm({ answer: invented })
    const gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: `${blind.url},${other.url}` })
    try {
      const { ocr } = await askWhole(gateway.client, { parts: [filePart(document(4))] })
      assert.ok(ocr.pages.every(({ status }) => status === 'ok' || status === 'repaired'))
      assert.ok(ocr.pages.every(({ agreement }) => agreement === 1))
    } finally {
      await gateway.stop()
      await blind.kill()
    }
  })
})

describe('a page that no attempt reads', { timeout: TIMEOUT }, () => {
  const loop: Answer = { text: '# Minutes\n\n'.padEnd(20_000, 'la la la ') }

  it('is its text layer, which is never kept', async () => {
    await using setup = await start((request) => (pageOf(request) === 2 ? loop : whole(pageOf(request))))
    for (const asked of [1 + 3, 1 + 3 + 3]) {
      const { ocr, content } = await setup.ask(2)
      const second = ocr.pages[1]
      assert.deepEqual(
        [second?.status, second?.cache, second?.attempts, second?.reasons, second?.finish_reason],
        ['fallback', 'miss', 3, ['loop', 'loop', 'loop'], 'stop'],
      )
      assert.equal(second?.error, undefined)
      assert.equal(second?.agreement, undefined)
      assert.equal(content.slice(second?.start, second?.end), whole(2))
      assert.equal(setup.fake.requests.length, asked)
    }
  })

  it('is its text layer as JSON and as text, too', async () => {
    await using setup = await start(() => loop)
    const { content } = await setup.ask(1, { output: 'json' })
    const [page] = ocrDocument.parse(JSON.parse(content)).pages
    assert.ok(page !== undefined && 'markdown' in page)
    assert.deepEqual([page.status, page.markdown], ['fallback', whole(1)])
    const plain = await setup.ask(1, { output: 'text' })
    assert.equal(plain.content.replaceAll(/\s+/g, ' '), whole(1).replaceAll('\n', ' '))
  })

  it('has failed where its layer is garbage, and nothing is said of agreement', async () => {
    // As a font without a Unicode map gives it: codes of glyphs.
    const garbled = linesOf(1).map((line) =>
      line
        .replaceAll(/\S/g, (character) => String.fromCharCode(character.charCodeAt(0) - 29))
        .replaceAll(/[^\x21-\x7e ]/g, '!'),
    )
    const bytes = makePdf([
      { number: 1, lines: garbled },
      { number: 2, lines: garbled },
    ])
    await using setup = await start((request) => (pageOf(request) === 2 ? loop : 'What the page really says.'))
    const { ocr } = await askWhole(setup.gateway.client, { parts: [filePart(bytes)] })
    assert.deepEqual(
      ocr.pages.map(({ status, agreement }) => [status, agreement]),
      [
        ['ok', undefined],
        ['failed', undefined],
      ],
    )
  })
})
