import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createKnownDocuments, sha256Of } from '../../../gateway/rasterizer/known-documents.ts'
import type { SharedDocument } from '../../../gateway/rasterizer/messages.ts'

const documentOf = (text: string, more: Partial<SharedDocument> = {}): SharedDocument => ({
  id: text,
  bytes: Buffer.from(text),
  mediaType: 'application/pdf',
  password: null,
  ...more,
})
const factsOf = async ({ bytes }: SharedDocument) => ({
  sha256: await sha256Of(bytes),
  pageCount: 3,
  labels: ['i', null, '1'],
})

describe('the documents that are known', () => {
  it('are those that the same owner has had opened, by their bytes', async () => {
    const known = createKnownDocuments()
    const facts = await factsOf(documentOf('one'))
    known.note('ada', documentOf('one'), facts)
    assert.deepEqual(await known.find('ada', documentOf('one', { id: 'later' })), facts)
    assert.equal(await known.find('bob', documentOf('one')), null)
    assert.equal(await known.find('ada', documentOf('two')), null)
    assert.equal(await known.find('ada', documentOf('one', { mediaType: 'image/png' })), null)
  })

  it('may lie elsewhere, and are not read then', async () => {
    const known = createKnownDocuments()
    const read = () => assert.fail('it is read')
    const elsewhere = documentOf('one', { bytes: { length: 3, sha256: await sha256Of(Buffer.from('one')), read } })
    const facts = await factsOf(elsewhere)
    known.note('ada', elsewhere, facts)
    assert.deepEqual(await known.find('ada', elsewhere), facts)
    assert.deepEqual(await known.find('ada', documentOf('one')), facts)
  })

  it('are none with a password, and no portfolios', async () => {
    const known = createKnownDocuments()
    const facts = await factsOf(documentOf('one'))
    const locked = documentOf('one', { password: 'secret' })
    known.note('ada', locked, facts)
    known.note('ada', documentOf('one'), { ...facts, files: [] })
    assert.equal(await known.find('ada', documentOf('one')), null)
    known.note('ada', documentOf('one'), facts)
    assert.equal(await known.find('ada', locked), null)
  })

  it('are forgotten one after the other where they are too many', async () => {
    const known = createKnownDocuments()
    const labels = Array.from({ length: 100_000 }, () => null)
    const documents = Array.from({ length: 12 }, (_, index) => documentOf(`document ${index + 10}`))
    for (const document of documents) known.note('ada', document, { ...(await factsOf(document)), labels })
    assert.equal(await known.find('ada', documents[0]!), null)
    assert.equal((await known.find('ada', documents[11]!))?.pageCount, 3)
  })
})
