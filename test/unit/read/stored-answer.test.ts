import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { unread, type PageAnswer } from '../../../gateway/read/page-answer.ts'
import type { PageToRead } from '../../../gateway/read/page-to-read.ts'
import { readStored, writeStored } from '../../../gateway/read/stored-answer.ts'

const block = { start: 0, end: 4, box: [1, 2, 30, 40], confidence: 0.9 } as const
const answer: PageAnswer = { ...unread('tesseract'), text: 'Text', finishReason: 'stop', attempts: 1, blocks: [block] }
const page = { question: { confidence: false } } as PageToRead

/** Stores the answer, changes what is stored, and reads it again. */
async function stored(change: (value: Record<string, unknown>) => void): Promise<PageAnswer | null> {
  const values = new Map<string, string>()
  const store = {
    get: (keys: readonly string[]) => Promise.resolve(keys.map((key) => values.get(key) ?? null)),
    has: (keys: readonly string[]) => Promise.resolve(keys.map((key) => values.has(key))),
    set: async (key: string, value: string) => void values.set(key, value),
    close: () => Promise.resolve(),
  }
  await writeStored(store, 'key', page, answer)
  const value = JSON.parse(values.get('key') ?? '{}') as Record<string, unknown>
  change(value)
  values.set('key', JSON.stringify(value))
  const [found = null] = await readStored(store, [{ ...page, key: 'key' }], new AbortController().signal)
  return found
}

describe('a stored answer', () => {
  it('says where its blocks stand', async () => {
    assert.deepEqual((await stored(() => {}))?.blocks, [block])
  })

  it('says nothing of them where it was stored before they were known', async () => {
    const found = await stored((value) => delete value['blocks'])
    assert.deepEqual([found?.text, found?.blocks], ['Text', null])
  })

  it('is a miss where it is of another version', async () => {
    assert.equal(await stored((value) => (value['v'] = 1)), null)
  })
})
