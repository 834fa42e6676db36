import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createDiskStore } from '../../../gateway/cache/disk-store.ts'
import { useFolder } from '../../support/use-folder.ts'

const signal = new AbortController().signal

describe('the store on the disk', () => {
  const { path } = useFolder()

  it('finds what another one has stored, even one that was not closed', async () => {
    const first = createDiskStore(path, { maxValueBytes: 10 })
    await first.set('page', 'text')
    await first.set('page', 'newer')
    await first.set('large', 'x'.repeat(11))
    const second = createDiskStore(path, { maxValueBytes: 10 })
    assert.deepEqual(await second.get(['page', 'large'], signal), ['newer', null])
    assert.deepEqual(await second.has(['page', 'large', 'other'], signal), [true, false, false])
    await first.close()
    await second.close()
  })

  it('is a miss, and no error, once it cannot be asked', async () => {
    const store = createDiskStore(path, { maxValueBytes: 10 })
    await store.close()
    await store.set('page', 'text')
    assert.deepEqual(await store.get(['page'], signal), [null])
    assert.deepEqual(await store.has(['page'], signal), [false])
  })
})
