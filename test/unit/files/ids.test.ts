import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { newId } from '../../../gateway/files/ids.ts'

describe('ids of files', () => {
  const ids = Array.from({ length: 2000 }, () => newId('file-'))

  it('sort in the order in which they were created, within a millisecond too', () => {
    assert.deepEqual(ids.toSorted(), ids)
  })

  it('hold 128 bits that nobody can guess', () => {
    const secrets = ids.map((id) => /^file-[0-9a-z]{9}([0-9a-f]{32})$/.exec(id)?.[1])
    assert.equal(new Set(secrets).size, ids.length)
    assert.ok(secrets.every((secret) => secret !== undefined))
  })
})
