import { Redis } from 'ioredis'
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askStream, askWhole } from '../support/read-answer.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { startRedis } from '../support/start-redis.ts'
import { eventually, within } from '../support/within.ts'

const TIMEOUT = 120_000
const PAGES = 100
/** Small ones: a hundred of them are drawn in a second. */
const document = makePdf(
  Array.from({ length: PAGES }, (_, index) => ({ width: 400, height: 200, number: index + 1, lines: ['a line'] })),
)

async function start(t: TestContext) {
  const redis = await startRedis()
  const fake = await startFakeVllm({ answer: ({ image }) => `The text of page ${image?.pageNumber}.` })
  const gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_REDIS_URL: redis.url })
  const other = new Redis(redis.url)
  t.after(async () => {
    other.disconnect()
    await gateway.stop()
    await fake.kill()
    await redis.stop()
  })
  const first = await askWhole(gateway.client, { parts: [filePart(document)] })
  assert.equal(first.ocr.pages.length, PAGES)
  // A page is answered before it is stored: each has a key of its own, and one for its image.
  const storedKeys = async () => (await other.keys('ocr-gateway:page:*')).filter((key) => !key.endsWith(':claim'))
  await eventually(async () => (await storedKeys()).length === 2 * PAGES, 10_000, 'all pages are stored')
  return { fake, gateway, other, first, storedKeys }
}

/** Returns the names of the commands about pages that Redis runs meanwhile, in their order. */
async function commandsAboutPages(redis: Redis, act: () => Promise<void>): Promise<string[]> {
  const monitor = await redis.monitor()
  const seen: string[] = []
  const end = Promise.withResolvers<void>()
  monitor.on('monitor', (_time: string, [name = '', ...args]: string[]) => {
    if (args.some((arg) => arg.startsWith('ocr-gateway:page:'))) seen.push(name.toLowerCase())
    if (args[0] === 'the end') end.resolve()
  })
  try {
    await act()
    await redis.echo('the end')
    await within(end.promise, 5000, 'the last command')
    return seen
  } finally {
    monitor.disconnect()
  }
}

describe('a document whose pages are all known', { timeout: TIMEOUT }, () => {
  it('costs a command for each window of pages, none for each page, and no claim', async (t) => {
    const { fake, gateway, other, first } = await start(t)
    for (const ask of [askWhole, askStream]) {
      const commands = await commandsAboutPages(other, async () => {
        const again = await ask(gateway.client, { parts: [filePart(document)] })
        assert.deepEqual([again.cacheHeader, again.content], ['HIT', first.content])
      })
      // 80 pages are begun at first, for the default lookahead of 64; their keys lead to those of their images.
      assert.deepEqual(new Set(commands), new Set(['exists', 'mget']))
      assert.ok(commands.length >= 3 && commands.length <= 12, `${commands.length} commands for ${PAGES} pages`)
    }
    assert.equal(fake.requests.length, PAGES)
  })

  it('has a page read whose entry is missing or broken in the middle, and no other', async (t) => {
    const { fake, gateway, other, first, storedKeys } = await start(t)
    const texts = new Map<string, string>()
    for (const key of await storedKeys()) texts.set(key, (await other.get(key)) ?? '')
    const keyOf = (page: number) => {
      const [found] = [...texts].find(([, text]) => text.includes(`The text of page ${page}.`)) ?? []
      assert.ok(found)
      return found
    }
    const missing = keyOf(41)
    await other.del(missing)
    await other.set(keyOf(57), '{"v":')
    const again = await askWhole(gateway.client, { parts: [filePart(document)] })
    assert.equal(again.content, first.content)
    assert.equal(again.cacheHeader, 'PARTIAL')
    const read = again.ocr.pages.filter(({ cache }) => cache === 'miss').map(({ page }) => page)
    assert.deepEqual(read, [41, 57])
    assert.deepEqual(new Set(fake.requests.slice(PAGES).map(({ image }) => image?.pageNumber)), new Set([41, 57]))
    assert.equal(fake.requests.length, PAGES + 2)
    await eventually(async () => (await other.exists(missing)) === 1, 5000, 'the page is stored again')
    assert.equal((await askWhole(gateway.client, { parts: [filePart(document)] })).cacheHeader, 'HIT')
  })
})
