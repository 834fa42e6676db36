import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createQuota } from '../../../gateway/files/quota.ts'

const KB = 1024

/** A quota over what is said to be stored, by owner. */
function quotaOf(
  maxBytes: number,
  isShared: boolean,
  stored: Readonly<Record<string, { items: number; bytes: number }>>,
) {
  const sum = (name: 'items' | 'bytes', owner: string | null) =>
    Object.entries(stored)
      .filter(([each]) => owner === null || each === owner)
      .reduce((total, [, facts]) => total + facts[name], 0)
  return createQuota({ maxBytes, isShared }, async (owner) => ({
    items: sum('items', owner),
    bytes: sum('bytes', owner),
  }))
}

const full = { code: 'storage_full', status: 507, retry: false }

describe('the quota of stored files', () => {
  it('lets in what fits to the last byte', async () => {
    const quota = quotaOf(100 * KB, false, { a: { items: 1, bytes: 40 * KB } })
    await quota.check('a', 60 * KB)
    await assert.rejects(quota.check('a', 60 * KB + 1), full)
  })

  it('counts what is on its way, until it is released', async () => {
    const quota = quotaOf(100 * KB, false, {})
    const first = quota.hold('a')
    await first.admit(10 * KB)
    await first.admit(70 * KB)
    await first.admit(20 * KB)
    const second = quota.hold('b')
    await assert.rejects(second.admit(31 * KB), full)
    await second.admit(30 * KB)
    first.release()
    await second.admit(100 * KB)
    await assert.rejects(second.admit(100 * KB + 1), full)
  })

  it('leaves a quarter to others where several keys share it, and nothing where one has it for itself', async () => {
    const stored = { a: { items: 1, bytes: 70 * KB }, b: { items: 1, bytes: 10 * KB } }
    await assert.rejects(quotaOf(100 * KB, true, stored).check('a', 6 * KB), full)
    await quotaOf(100 * KB, true, stored).check('b', 20 * KB)
    await quotaOf(100 * KB, false, stored).check('a', 20 * KB)
  })

  it('counts the smallest file as what it takes on a disk', async () => {
    await assert.rejects(quotaOf(100 * KB, false, { a: { items: 25, bytes: 25 } }).check('a', 1), full)
    await assert.rejects(quotaOf(KB, false, {}).check('a', 1), full)
  })
})
