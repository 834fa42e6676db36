import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createDiskBlobs } from '../../../gateway/files/disk-blobs.ts'
import { useFolder } from '../../support/use-folder.ts'

async function* pieces(...texts: readonly string[]) {
  for (const text of texts) yield Buffer.from(text)
}
const anything = () => {}
const read = async (stream: AsyncIterable<Buffer>) => Buffer.concat(await Array.fromAsync(stream)).toString()

describe('a folder of bytes', () => {
  const folder = useFolder()
  const blobs = createDiskBlobs(folder.path, 60_000)
  const names = (of: 'content' | 'incoming') => readdirSync(join(folder.path, of))

  it('is made when something is written, and only its user may look into it', async () => {
    const own = join(folder.path, 'own')
    const fresh = createDiskBlobs(own, 60_000)
    assert.equal(await fresh.open('file-a'), null)
    await fresh.remove(['file-a'])
    await fresh.sweep()
    assert.deepEqual(await Array.fromAsync(fresh.names()), [])
    assert.equal(existsSync(own), false)
    await fresh.write('file-a', pieces('x'), anything)
    assert.equal(statSync(join(own, 'content')).mode & 0o777, 0o700)
    assert.equal(statSync(join(own, 'content/file-a')).mode & 0o777, 0o600)
  })

  it('gives back what was written, its beginning, and its hash', async () => {
    const written = await blobs.write('file-b', pieces('one ', 'two ', '', 'three'), anything)
    assert.deepEqual(written, { bytes: 13, sha256: createHash('sha256').update('one two three').digest('hex') })
    await using blob = await blobs.open('file-b')
    assert.equal(blob?.length, 13)
    assert.equal(Buffer.from(await blob.read()).toString(), 'one two three')
    assert.equal(Buffer.from(await blob.read(5)).toString(), 'one t')
    assert.equal(Buffer.from(await blob.read(50)).toString(), 'one two three')
    assert.equal(await read(blob.stream()), 'one two three')
  })

  it('gives back what is removed while it is open, to its end', async () => {
    await blobs.write('file-c', pieces('content'), anything)
    const [first, second] = [await blobs.open('file-c'), await blobs.open('file-c')]
    await blobs.remove(['file-c'])
    assert.equal(await blobs.open('file-c'), null)
    assert.equal(Buffer.from(await first!.read()).toString(), 'content')
    assert.equal(await read(second!.stream()), 'content')
    await first![Symbol.asyncDispose]()
    await first![Symbol.asyncDispose]()
  })

  it('holds nothing of what breaks off, or is refused on the way', async () => {
    const before = names('content')
    async function* broken() {
      yield Buffer.from('x')
      throw new Error('the client is gone')
    }
    await assert.rejects(blobs.write('file-d', broken(), anything), /the client is gone/)
    const admitted: number[] = []
    const admit = (bytes: number) => {
      admitted.push(bytes)
      if (bytes > 5) throw new Error('no room')
    }
    await assert.rejects(blobs.write('file-d', pieces('abc', 'de', 'f', 'g'), admit), /no room/)
    assert.deepEqual(admitted, [3, 5, 6])
    assert.deepEqual([names('content'), names('incoming')], [before, []])
  })

  for (const [code, expected] of [
    ['ENOSPC', 'storage_full'],
    ['EDQUOT', 'storage_full'],
    ['EFBIG', 'storage_full'],
    ['EROFS', 'storage_unavailable'],
    ['ESTALE', 'storage_unavailable'],
    ['EIO', 'storage_unavailable'],
  ]) {
    it(`says ${expected} where the system says ${code}`, async () => {
      const failing = async function* () {
        yield Buffer.from('x')
        throw Object.assign(new Error('write'), { code })
      }
      await assert.rejects(blobs.write('file-e', failing(), anything), { code: expected })
    })
  }

  it('is swept of what was not written to its end long ago, and of nothing else', async () => {
    const own = useFolder()
    const swept = createDiskBlobs(own.path, 60_000)
    await swept.write('file-kept', pieces('x'))
    const old = (path: string) => utimesSync(join(own.path, path), new Date(0), new Date(0))
    for (const name of ['dead', 'live']) writeFileSync(join(own.path, 'incoming', name), 'x')
    for (const path of ['content/file-kept', 'incoming/dead']) old(path)
    await swept.sweep()
    assert.deepEqual(readdirSync(join(own.path, 'content')), ['file-kept'])
    assert.deepEqual(readdirSync(join(own.path, 'incoming')), ['live'])
  })

  it('says when a name was last written', async () => {
    await blobs.write('file-timed', pieces('x'))
    utimesSync(join(folder.path, 'content/file-timed'), new Date(5000), new Date(5000))
    assert.deepEqual([await blobs.changedAt('file-timed'), await blobs.changedAt('file-none')], [5000, null])
  })
})
