import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ResponseCreateParamsNonStreaming } from 'openai/resources/responses/responses'
import sharp from 'sharp'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { PICTURE_MARK, picturedPdf } from '../fixtures/pictured-pages.ts'
import { filePart } from '../support/documents.ts'
import { chatCompletion } from '../../gateway/wire/openai/chat-completion.ts'
import { askStream, askWhole } from '../support/read-answer.ts'
import { answersIn, bodyOf, createBatch, linesOf, untilEnded } from '../support/run-batch.ts'
import { eventually } from '../support/within.ts'
import { inputFile, inputOf, readResponse, textOfResponse } from '../support/read-response.ts'
import { ocrDocument } from '../../gateway/wire/openai/ocr-document.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const BBOX = 'lightonai/LightOnOCR-2-1B-bbox'
const LAYOUT = 'lightonai/LightOnOCR-3-1B'
const PLAIN = 'lightonai/LightOnOCR-2-1B'

let fake: FakeVllm
let gateway: TestGateway

before(async () => {
  fake = await startFakeVllm({
    models: [BBOX, LAYOUT, PLAIN],
    answer({ image, body }) {
      const number = image?.pageNumber ?? 0
      if (body?.model === PLAIN) return `Page ${number}\n\n![image](image_1.png)\n\nEnd`
      if (body?.model === LAYOUT)
        return `![title](10,10,900,50) Page ${number}\n![image](100,200,500,700) \n![text](1,2,3,4) End`
      return `# Page ${number}\n\n${PICTURE_MARK}\n\nBetween ![](image_2.png) 0,0,10,10 and 1,2,3,4.\n\n${PICTURE_MARK}`
    },
  })
  gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
})
after(async () => {
  await gateway.stop()
  await fake.close()
})

const ask = (ocr: object, numbers: readonly number[] = [1, 2], model = BBOX) => ({
  model,
  parts: numbers.map((number) => filePart(picturedPdf(number))),
  ocr,
})

const page = (number: number) =>
  `# Page ${number}

![image](figures/page-${number}-1.png)

Between ![Figure 2 on page ${number}](figures/page-${number}-2.png) and 1,2,3,4.

![image](figures/page-${number}-3.png)`

/** The colours at the edge and in the middle of a picture, and how large it is. */
async function look(bytes: Buffer) {
  const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true })
  const at = (x: number, y: number) => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)]
  const { width, height } = info
  return {
    width,
    height,
    edges: [at(4, 4), at(width - 5, height - 5)],
    middle: at(width >> 1, height >> 1),
  }
}

describe('figures by reference', () => {
  it('stand beside the text under names that no other page has, larger than the engine saw them', async () => {
    const { content, ocr } = await askWhole(gateway.client, ask({ figures: 'reference' }))
    assert.equal(content, `${page(1)}\n\n---\n\n${page(2)}`)
    const { figures = [] } = ocr
    assert.deepEqual(
      figures.map(({ name, page: number, media_type: type }) => [name, number, type]),
      [1, 2].flatMap((number) => [1, 2, 3].map((n) => [`figures/page-${number}-${n}.png`, number, 'image/png'])),
    )
    for (const { start, end, page: number } of ocr.pages) assert.equal(content.slice(start, end), page(number))
    const [first] = figures
    assert.deepEqual(first?.box, [108, 308, 544, 1078])
    const seen = await look(Buffer.from(first.data, 'base64'))
    // A4 at 300 dots for each inch.
    assert.ok(Math.abs(seen.width - 0.4 * 2480) <= 2 && Math.abs(seen.height - 0.5 * 3508) <= 2)
    assert.deepEqual([seen.width, seen.height], [first.width, first.height])
    assert.deepEqual(
      [seen.edges, seen.middle],
      [
        [
          [0, 0, 255],
          [0, 0, 255],
        ],
        [255, 0, 0],
      ],
    )
  })

  it('are the same in a stream, whose last chunk has them, and from the cache', async () => {
    const whole = await askWhole(gateway.client, ask({ figures: 'reference' }))
    const asked = fake.requests.length
    const streamed = await askStream(gateway.client, ask({ figures: 'reference' }))
    assert.equal(streamed.cacheHeader, 'HIT')
    assert.equal(fake.requests.length, asked)
    assert.equal(streamed.content, whole.content)
    assert.deepEqual(streamed.ocr.figures, whole.ocr.figures)
  })

  it('are those of a response, too', async () => {
    const body = { model: BBOX, input: inputOf(inputFile(picturedPdf(1))), ocr: { figures: 'reference' } }
    const response = await gateway.client.responses.create(body as unknown as ResponseCreateParamsNonStreaming)
    const { ocr, ...rest } = readResponse(response)
    assert.equal(textOfResponse(rest), page(1))
    assert.equal(ocr?.figures?.length, 3)
  })

  it('are those of a response that nobody waits for, and of a line of a batch', async () => {
    const body = { model: BBOX, input: inputOf(inputFile(picturedPdf(1))), ocr: { figures: 'reference' } }
    const { id } = await gateway.client.responses.create({ ...body, background: true } as never)
    const chat = { model: BBOX, messages: [{ role: 'user', content: [filePart(picturedPdf(1))] }], ocr: body.ocr }
    const endpoint = '/v1/chat/completions'
    const batch = await createBatch(gateway.client, endpoint, linesOf(endpoint, [{ custom_id: 'a', body: chat }]))
    const isDone = async () => (await gateway.client.responses.retrieve(id)).status === 'completed'
    await eventually(isDone, 60_000, 'the end of the response')
    const done = readResponse(await gateway.client.responses.retrieve(id))
    assert.deepEqual([textOfResponse(done), done.ocr?.figures?.length], [page(1), 3])
    const { output_file_id: output } = await untilEnded(gateway.client, batch.id)
    const [answer] = await answersIn(gateway.client, output)
    const { choices, ocr } = chatCompletion.parse(bodyOf(answer))
    assert.deepEqual([choices[0]?.message.content, ocr.figures?.length], [page(1), 3])
  })

  it('are beside plain text, which names none, and in the pages of JSON', async () => {
    const text = await askWhole(gateway.client, ask({ figures: 'reference', output: 'text' }, [1]))
    assert.equal(text.content, 'Page 1\n\nBetween  and 1,2,3,4.')
    assert.equal(text.ocr.figures?.length, 3)
    const json = await askWhole(gateway.client, ask({ figures: 'reference', output: 'json' }, [1]))
    const [only] = ocrDocument.parse(JSON.parse(json.content)).pages
    assert.ok(only !== undefined && 'markdown' in only)
    assert.equal(only.markdown, page(1))
    assert.deepEqual(
      only.blocks.map(({ type, box }) => [type, box]),
      [
        ['title', null],
        ['figure', json.ocr.figures?.[0]?.box],
        ['text', null],
        ['figure', json.ocr.figures?.[2]?.box],
      ],
    )
    assert.equal(json.ocr.figures?.length, 3)
  })

  it('are those that the layout task marks', async () => {
    const { content, ocr } = await askWhole(gateway.client, ask({ figures: 'reference', task: 'layout' }, [1], LAYOUT))
    assert.match(content, /^!\[Figure 1 on page 1\]\(figures\/page-1-1\.png\) $/m)
    assert.equal(ocr.figures?.length, 1)
  })

  for (const [model, ocr, why] of [
    [PLAIN, { figures: 'reference' }, /marks no pictures/],
    [LAYOUT, { figures: 'reference' }, /in the task "layout" alone/],
    [BBOX, { figures: 'embed', output: 'text' }, /plain text has no pictures/],
  ] as const)
    it(`are said to be none: ${JSON.stringify([model, ocr])}`, async () => {
      const plain = await askWhole(gateway.client, ask({ ...ocr, figures: undefined }, [1], model))
      const answer = await askWhole(gateway.client, ask(ocr, [1], model))
      assert.equal(answer.content, plain.content)
      assert.deepEqual(answer.ocr.figures, ocr.figures === 'reference' ? [] : undefined)
      assert.deepEqual(
        answer.ocr.warnings?.map(({ code }) => code),
        ['option_ignored'],
      )
      assert.match(answer.ocr.warnings?.[0]?.message ?? '', why)
    })
})

describe('figures in the text', () => {
  it('are pictures in data URLs, and are not sent twice', async () => {
    const { content, ocr } = await askStream(gateway.client, ask({ figures: 'embed' }, [3]))
    assert.equal(ocr.figures, undefined)
    assert.equal(content.slice(ocr.pages[0]!.start, ocr.pages[0]!.end), content)
    const found = [...content.matchAll(/!\[[^\]]*\]\(data:image\/png;base64,([^)]+)\)/g)]
    assert.equal(
      content.replaceAll(/data:[^)]*/g, 'x'),
      page(1)
        .replaceAll(/figures[^)]*/g, 'x')
        .replace('# Page 1', '# Page 3'),
    )
    const { middle } = await look(Buffer.from(found[0]?.[1] ?? '', 'base64'))
    assert.deepEqual([found.length, middle], [3, [255, 0, 0]])
  })
})

describe('figures that are dropped', () => {
  it('leave no mark, whichever way the model marks them', async () => {
    const { content, ocr } = await askWhole(gateway.client, ask({ figures: 'drop' }, [1]))
    assert.equal(content, '# Page 1\n\nBetween and 1,2,3,4.')
    assert.deepEqual([ocr.figures, ocr.warnings, ocr.pages[0]?.warnings], [undefined, undefined, undefined])
    const plain = await askWhole(gateway.client, ask({ figures: 'drop' }, [1], PLAIN))
    assert.equal(plain.content, 'Page 1\n\nEnd')
  })

  it('are as the model wrote them where nothing is asked', async () => {
    const { content, ocr } = await askWhole(gateway.client, ask({}, [1]))
    assert.ok(content.includes(PICTURE_MARK.replace('image_1', 'page-1-image-1')))
    assert.equal(ocr.figures, undefined)
  })

  it('are named when the option is misspelt', async () => {
    const asked = gateway.client.chat.completions.create({
      model: BBOX,
      messages: [{ role: 'user', content: [filePart(picturedPdf(1))] }],
      ocr: { figures: 'inline' },
    } as never)
    await assert.rejects(asked, { status: 400, param: 'ocr.figures', code: 'invalid_value' })
  })
})
