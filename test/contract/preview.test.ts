import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import sharp from 'sharp'
import { encode } from '../../gateway/prepare/encode.ts'
import type { PagePreviewObject } from '../../gateway/wire/openai/ocr-object.ts'
import { drawText, turn } from '../fixtures/printed-page.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { filePart, imagePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askStream, askWhole, beginningPage, type StreamedAnswer } from '../support/read-answer.ts'
import { answersIn, createBatch, linesOf, untilEnded } from '../support/run-batch.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { within } from '../support/within.ts'

const pages = [1, 2, 3, 4].map((number) => ({ number, lines: [`Page ${number} says this.`] }))
const document = [filePart(makePdf(pages))]
const preview = { preview: true }

/** Its previews and the beginnings of its pages, in the order in which they came. */
function happenings({ chunks }: StreamedAnswer): string[] {
  return chunks.flatMap((chunk) => {
    if (chunk.ocr !== undefined && 'preview' in chunk.ocr) return [`preview ${chunk.ocr.preview.page}`]
    const page = beginningPage(chunk)
    return page === null ? [] : [`text ${page}`]
  })
}

const previewsOf = ({ chunks }: StreamedAnswer): PagePreviewObject[] =>
  chunks.flatMap(({ ocr }) => (ocr !== undefined && 'preview' in ocr ? [ocr.preview] : []))

const sizeOf = async ({ image }: PagePreviewObject): Promise<[string, number, number]> => {
  const { format, width, height } = await sharp(
    Buffer.from(image.slice('data:image/jpeg;base64,'.length), 'base64'),
  ).metadata()
  return [format, width, height]
}

async function start(environment: Readonly<Record<string, string>> = {}) {
  const fake = await startFakeVllm()
  const gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, ...environment })
  return {
    fake,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]()
      await fake[Symbol.asyncDispose]()
    },
  }
}

const refusal = async (gateway: TestGateway, path: string, body: object) => {
  const answer = await fetch(gateway.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const { error } = (await answer.json()) as { error: { code: string; param: string; message: string } }
  return [answer.status, error.code, error.param]
}

describe('ocr.preview', { timeout: 90_000 }, () => {
  it('says of each page, as its text begins, what the ledger will say of it', async () => {
    await using started = await start()
    const { chunks } = await askStream(started.gateway.client, { parts: document, ocr: preview })
    const lines = chunks.flatMap(({ ocr }) => (ocr !== undefined && 'page' in ocr ? [ocr.line] : []))
    const ledger = chunks.flatMap(({ ocr }) => (ocr !== undefined && 'document' in ocr ? ocr.pages : []))
    assert.equal(lines.length, 4)
    assert.deepEqual(lines, ledger)
    const without = await askStream(started.gateway.client, { parts: document })
    const marks = without.chunks.flatMap(({ ocr }) => (ocr !== undefined && 'page' in ocr ? [ocr] : []))
    assert.deepEqual(marks, [{ page: 1 }, { page: 2 }, { page: 3 }, { page: 4 }])
  })

  it('shows each page as it is drawn, before the engine has read it', async () => {
    await using started = await start()
    const { fake, gateway } = started
    const { promise: isSeen, resolve: see } = Promise.withResolvers<undefined>()
    fake.setAnswer(() => isSeen)
    const stream = await gateway.client.chat.completions.create({
      model: 'default',
      stream: true,
      messages: [{ role: 'user', content: document }],
      ...{ ocr: preview },
    })
    const seen = new Set<number>()
    let text = ''
    for await (const chunk of stream) {
      const { ocr } = chunk as unknown as { ocr?: { preview?: PagePreviewObject } }
      if (ocr?.preview !== undefined) {
        assert.deepEqual([chunk.choices, text], [[], ''])
        seen.add(ocr.preview.page)
      }
      if (seen.size === 4) see(undefined)
      text += chunk.choices[0]?.delta.content ?? ''
    }
    assert.equal(seen.size, 4)
    assert.equal(text, (await askWhole(gateway.client, { parts: document })).content)
  })

  it('says what it shows: a small JPEG, the size that the model gets, and what the PDF itself says', async () => {
    await using started = await start()
    const answer = await askStream(started.gateway.client, { parts: document, ocr: preview })
    const previews = previewsOf(answer).toSorted((a, b) => a.page - b.page)
    assert.deepEqual(
      previews.map(({ page, width, height, changes, text_layer }) => [
        page,
        width,
        height,
        changes,
        text_layer?.trim(),
      ]),
      answer.ocr.pages.map(({ page, width, height }) => [page, width, height, [], `Page ${page} says this.`]),
    )
    for (const one of previews) {
      const [format, width, height] = await sizeOf(one)
      assert.deepEqual([format, height], ['jpeg', 800])
      assert.ok(Math.abs(width / height - one.width / one.height) < 0.01)
    }
    assert.equal('previews' in answer.ocr, false)
  })

  it('shows what was done to a scan', async () => {
    await using started = await start()
    const upended = await turn(drawText(), 180)
    const parts = [imagePart(await encode(upended, 'image/png'))]
    const ocr = { ...preview, prepare: { rotate: true, binarize: true } }
    const [shown] = previewsOf(await askStream(started.gateway.client, { parts, ocr }))
    assert.deepEqual(shown?.changes, [{ code: 'rotated', degrees: 180 }, { code: 'binarized' }])
    assert.equal(shown?.text_layer, undefined)
  })

  it('shows the pages that the cache knows, after their text, and changes nothing of what it holds', async () => {
    await using started = await start()
    const { gateway, fake } = started
    const before = await askStream(gateway.client, { parts: document })
    const shown = await askStream(gateway.client, { parts: document, ocr: preview })
    const after = await askStream(gateway.client, { parts: document })
    assert.deepEqual(
      [before, shown, after].map(({ cacheHeader }) => cacheHeader),
      ['MISS', 'HIT', 'HIT'],
    )
    assert.deepEqual([shown.content, after.content], [before.content, before.content])
    assert.equal(fake.requests.length, 4)
    const events = happenings(shown)
    assert.deepEqual(events.slice(0, 1), ['text 1'])
    assert.deepEqual(events.filter((event) => event.startsWith('preview')).length, 4)
    assert.equal(previewsOf(before).length + previewsOf(after).length, 0)
    // And the other way round: an answer that was shown is found by one that shows nothing.
    const other = [filePart(makePdf([{ number: 9 }]))]
    await askStream(gateway.client, { parts: other, ocr: preview })
    assert.equal((await askStream(gateway.client, { parts: other })).cacheHeader, 'HIT')
  })

  it('holds them in page order in an answer that is no stream', async () => {
    await using started = await start()
    const { ocr } = await askWhole(started.gateway.client, { parts: document, ocr: preview })
    assert.deepEqual(
      ocr.previews?.map(({ page }) => page),
      [1, 2, 3, 4],
    )
    assert.equal('previews' in (await askWhole(started.gateway.client, { parts: document })).ocr, false)
    const off = await askWhole(started.gateway.client, { parts: document, ocr: { preview: false } })
    assert.equal('previews' in off.ocr, false)
  })

  it('shows both of two requests that read the same page together', async () => {
    await using started = await start()
    const { fake, gateway } = started
    const { promise: isLet, resolve: letGo } = Promise.withResolvers<undefined>()
    fake.setAnswer(() => isLet)
    const one = [filePart(makePdf([{ number: 77 }]))]
    const both = [1, 2].map(() => askStream(gateway.client, { parts: one, ocr: preview }))
    setTimeout(() => letGo(undefined), 500)
    const answers = await within(Promise.all(both), 60_000, 'both answers')
    assert.equal(fake.requests.length, 1)
    assert.deepEqual(
      answers.map((answer) => previewsOf(answer).length),
      [1, 1],
    )
  })

  it('is refused where nobody would see it, with a word that says so', async () => {
    await using started = await start()
    const { gateway } = started
    const messages = [{ role: 'user', content: document }]
    const chat = { model: 'default', messages, ocr: { ...preview, dry_run: true } }
    assert.deepEqual(await refusal(gateway, '/v1/chat/completions', chat), [400, 'invalid_value', 'ocr.preview'])
    const data = `data:application/pdf;base64,${Buffer.from(makePdf(pages)).toString('base64')}`
    const input = [{ role: 'user', content: [{ type: 'input_file', file_data: data }] }]
    const response = { model: 'default', input, ocr: preview }
    assert.deepEqual(await refusal(gateway, '/v1/responses', response), [400, 'unknown_option', 'ocr.preview'])
    const mistral = { model: 'default', document: { type: 'document_url', document_url: data }, ocr: preview }
    const [status, , param] = await refusal(gateway, '/v1/ocr', mistral)
    assert.deepEqual([status, param], [400, 'ocr.preview'])
    const line = { custom_id: 'one', body: { model: 'default', messages, ocr: preview } }
    const path = '/v1/chat/completions'
    const batch = await untilEnded(gateway.client, (await createBatch(gateway.client, path, linesOf(path, [line]))).id)
    const [answer] = await answersIn(gateway.client, batch.error_file_id ?? null)
    assert.match(JSON.stringify(answer ?? batch), /ocr\.preview/)
    assert.match(JSON.stringify(answer ?? batch), /Nobody watches the pages of a batch/)
  })
})
