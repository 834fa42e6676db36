import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSignedAddresses } from '../../../gateway/files/signed-addresses.ts'
import { createSqliteTable } from '../../../gateway/files/sqlite-table.ts'
import { createDatabase } from '../../../gateway/store/database.ts'
import { useFolder } from '../../support/use-folder.ts'

const later = Math.floor(Date.now() / 1000) + 60

const signerOver = (folder: string) => createSignedAddresses(createSqliteTable(createDatabase(folder)), null)

describe('signed addresses', async () => {
  const folder = useFolder()
  const addresses = signerOver(folder.path)
  const path = await addresses.sign('file-1a', later)
  const known = { id: 'file-1a', hasExpired: false }

  for (const prefix of [
    'http://127.0.0.1:8080',
    'https://ocr.example.com',
    'https://example.com/gateway/one',
    'http://[::1]:1',
    'https://example.com/',
  ]) {
    it(`are known behind ${prefix}`, async () => {
      assert.deepEqual(await addresses.read(prefix + path), known)
    })
  }

  it('are known without /v1, with its slashes doubled, and with more behind them', async () => {
    assert.deepEqual(await addresses.read(`http://a${path.slice(3)}`), known)
    assert.deepEqual(await addresses.read(`http://a${path.replace('/files/', '//files/')}&download=1#page=2`), known)
  })

  it('are known to every gateway over the same folder, and after a restart; to no other', async () => {
    const replica = signerOver(folder.path)
    assert.deepEqual(await replica.read(`http://a${path}`), known)
    assert.equal(await signerOver(useFolder().path).read(`http://a${path}`), null)
  })

  it('expire', async () => {
    const now = Math.floor(Date.now() / 1000)
    assert.deepEqual(await addresses.read(`http://a${await addresses.sign('file-1a', now)}`), {
      id: 'file-1a',
      hasExpired: true,
    })
  })

  const signature = /signature=(.*)$/.exec(path)?.[1] ?? ''
  for (const [name, address] of Object.entries({
    'another file': `http://a${path.replace('file-1a', 'file-1b')}`,
    'a longer life': `http://a${path.replace(String(later), String(later + 1))}`,
    'a leading zero': `http://a${path.replace(String(later), `0${later}`)}`,
    'a shorter signature': `http://a${path.slice(0, -1)}`,
    'a changed signature': `http://a${path.replace(signature, signature.split('').toReversed().join(''))}`,
    'a signature of as many letters, and more bytes': `http://a${path.replace(signature, 'é'.repeat(signature.length))}`,
    'no signature': `http://a${path.replace(/&signature.*/, '')}`,
    'no time': `http://a${path.replace(/expires=\d+&/, '')}`,
    'another path': `http://a${path.replace('/content', '/url')}`,
    'a path behind it': `http://a${path.replace('/content', '/content/x')}`,
    'a signature in the fragment': `http://a${path.replace('?', '#')}`,
    'no address': path,
    nothing: '',
  })) {
    it(`are not what has ${name}`, async () => {
      assert.equal(await addresses.read(address), null)
    })
  }

  it('make no database where anybody tries one that looks like none', async () => {
    const untouched = createDatabase(useFolder().path)
    assert.equal(
      await createSignedAddresses(createSqliteTable(untouched), null).read(
        'http://a/files/file-1/content?expires=1&signature=a',
      ),
      null,
    )
    assert.equal(untouched.exists(), false)
  })
})
