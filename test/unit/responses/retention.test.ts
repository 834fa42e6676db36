import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { startRetention } from '../../../gateway/responses/retention.ts'
import { createSpool } from '../../../gateway/responses/spool.ts'
import { createLog } from '../../../gateway/telemetry/log.ts'
import { inlineSource } from '../../../gateway/document/source.ts'
import { eventually } from '../../support/within.ts'
import { makeQuestion, openKept } from './make-kept.ts'

const log = createLog({ level: 'silent', format: 'json' })
const HOUR = 3_600_000
const { signal } = new AbortController()
const source = () =>
  inlineSource(Buffer.from('bytes'), { param: 'a', filename: null, declaredMediaType: null, password: null })

describe('responses that have ended', () => {
  it('lose their documents after an hour, and go after a day; those of no response go too', async () => {
    using kept = openKept()
    const spool = createSpool(join(kept.folder, 'responses'))
    for (const [id, hours] of [
      ['fresh', 0],
      ['hours', 2],
      ['days', 25],
      ['unended', null],
    ] as const) {
      kept.add(id)
      await spool.keep(id, [source()], signal)
      const endedAt = hours === null ? null : Date.now() - hours * HOUR
      kept.sql.run('UPDATE responses SET ended_at = :endedAt WHERE id = :id', { id, endedAt })
    }
    const longAgo = new Date(Date.now() - 2 * HOUR)
    for (const id of ['orphan', 'new-orphan']) mkdirSync(join(kept.folder, 'responses', id))
    utimesSync(join(kept.folder, 'responses', 'orphan'), longAgo, longAgo)
    const retention = startRetention({ store: kept.store, spool, log })
    const folders = ['fresh', 'hours', 'days', 'unended', 'orphan', 'new-orphan']
    const there = () => folders.filter((id) => existsSync(join(kept.folder, 'responses', id)))
    await eventually(() => there().length === 3, 5000, 'what is old goes')
    await retention.close()
    assert.deepEqual(there(), ['fresh', 'unended', 'new-orphan'])
    const rows = folders.map((id) => kept.store.find(id, '')?.hasDocuments)
    assert.deepEqual(rows, [true, false, undefined, true, undefined, undefined])
  })

  it('go before their time where they take too much, the oldest first', () => {
    using kept = openKept()
    for (const [index, id] of ['a', 'b', 'c', 'd'].entries()) {
      kept.add(id, '', 'interactive', 1_000_000)
      kept.sql.run('UPDATE responses SET ended_at = :endedAt WHERE id = :id', { id, endedAt: 1000 + index })
    }
    kept.add('unended', '', 'interactive', 10_000_000)
    // The documents first; what was read of them stays.
    assert.deepEqual(kept.store.removeOld(0, 2_500_000), [])
    assert.deepEqual(kept.store.dropDocuments(0, 2_500_000).toSorted(), ['a', 'b'])
    assert.deepEqual(kept.store.dropDocuments(0, 2_500_000), [])
    assert.deepEqual(
      ['a', 'c', 'unended'].map((id) => kept.store.find(id, '')?.hasDocuments),
      [false, true, true],
    )
    assert.deepEqual(kept.store.removeOld(0, 1800).toSorted(), ['a', 'b'])
    assert.deepEqual([kept.store.has('c'), kept.store.unended('')], [true, 1])
  })

  it('count with all that is kept of them, their texts included', async () => {
    using kept = openKept()
    const question = makeQuestion({ userText: '文'.repeat(1_000_000) })
    await kept.store.add({ id: 'a', owner: '', question, done: null })
    assert.ok(kept.store.unendedBytes() > 3_000_000)
    kept.sql.run('UPDATE responses SET ended_at = 1')
    assert.deepEqual(kept.store.removeOld(0, 3_000_000), ['a'])
  })

  it('are removed some at a time: all else waits meanwhile', () => {
    using kept = openKept()
    for (let index = 0; index < 100; index += 1) kept.add(`id${index}`)
    kept.sql.run('UPDATE responses SET ended_at = 1')
    assert.ok(kept.store.dropDocuments(2, 0).length < 50)
    const steps: number[] = []
    for (let ids = kept.store.removeOld(2, 0); ids.length > 0; ids = kept.store.removeOld(2, 0)) steps.push(ids.length)
    assert.equal(
      steps.reduce((sum, step) => sum + step),
      100,
    )
    assert.ok(Math.max(...steps) < 50)
  })
})

describe('a kept document', () => {
  it('is the same when it is read again, with what was said of it', async () => {
    using opened = openKept()
    const spool = createSpool(join(opened.folder, 'responses'))
    const facts = {
      param: 'input[0]',
      filename: 'ä/../b.pdf',
      declaredMediaType: 'application/pdf',
      password: 'secret',
    }
    const [document] = await spool.keep('id', [inlineSource(Buffer.from('bytes'), facts)], signal)
    assert.ok(document !== undefined)
    assert.equal(JSON.stringify(document).includes('secret'), false)
    const kept = spool.source('id', 0, document)
    assert.deepEqual({ ...kept, open: null }, { ...facts, password: null, open: null })
    const content = await kept.open(signal)
    assert.ok(!(content instanceof Uint8Array))
    assert.deepEqual([content.length, content.sha256], [5, document.sha256])
    const shorter = spool.source('id', 0, { ...document, bytes: 4 })
    await assert.rejects(shorter.open(signal), { code: 'file_not_found' })
    await spool.remove('id')
    // Who has opened it reads on.
    assert.deepEqual([String(await content.read()), String(await content.read(2))], ['bytes', 'by'])
    await content[Symbol.asyncDispose]()
    await assert.rejects(kept.open(signal), { code: 'file_not_found', param: 'input[0]' })
  })

  it('is copied piece by piece where it is on disk already', async () => {
    using kept = openKept()
    const spool = createSpool(join(kept.folder, 'responses'))
    const bytes = Buffer.alloc(5 * 1024 * 1024 + 1, 'documents')
    const [document] = await spool.keep(
      'id',
      [inlineSource(bytes, { param: 'a', filename: null, declaredMediaType: null, password: null })],
      signal,
    )
    assert.equal(document?.sha256, createHash('sha256').update(bytes).digest('hex'))
    const asked: number[] = []
    const source = spool.source('id', 0, document)
    const watched = {
      ...source,
      async open() {
        const content = await source.open(signal)
        assert.ok(!(content instanceof Uint8Array))
        const read = (length = content.length, from = 0) => {
          asked.push(length)
          return content.read(length, from)
        }
        return { ...content, read }
      },
    }
    const [copy] = await spool.keep('copy', [watched], signal)
    assert.deepEqual(copy, document)
    assert.ok(Math.max(...asked) <= 1024 * 1024)
    assert.ok(readFileSync(join(kept.folder, 'responses', 'copy', '0')).equals(bytes))
  })

  it('is not there in part where one of them cannot be opened', async () => {
    using kept = openKept()
    const spool = createSpool(join(kept.folder, 'responses'))
    const broken = { ...source(), open: () => Promise.reject(new Error('no')) }
    await assert.rejects(spool.keep('id', [source(), broken], signal), /no/)
    assert.equal(existsSync(join(kept.folder, 'responses', 'id')), false)
  })
})
