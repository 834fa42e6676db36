import assert from 'node:assert/strict'
import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openManifest, type Entry } from '../../../gateway/cli/manifest.ts'
import { openOutFolder, outputPlace } from '../../../gateway/cli/out-folder.ts'
import { useFolder } from '../../support/use-folder.ts'

const entry: Entry = {
  path: 'a.pdf',
  source: '/in/a.pdf',
  sha256: 'aa',
  bytes: 10,
  modified: 5,
  options: 'o1',
  model: 'some-ocr',
  status: 'done',
  pages: 2,
  not_ok: [],
  output: 'a.pdf.md',
  error: null,
  at: '2026-11-28T00:00:00.000Z',
  seconds: 1,
  prompt_tokens: 1,
  completion_tokens: 2,
}

describe('the manifest', () => {
  const { path } = useFolder()
  const file = join(path, 'ocr-manifest.jsonl')
  const going = { anew: false, readOnly: false }

  it('knows what it was told, by content and options, after a line that is half', async () => {
    {
      await using manifest = await openManifest(path, going)
      await manifest.append(entry)
      await manifest.append({ ...entry, path: 'b.pdf', source: '/in/b.pdf' })
      await manifest.append({ ...entry, status: 'partial' })
    }
    appendFileSync(file, '{"path": "c.pdf", "sha2')
    {
      await using manifest = await openManifest(path, going)
      const found = manifest.find('aa', 'o1', 'b.pdf')
      assert.deepEqual(
        found.map(({ path, status }) => [path, status]),
        [
          ['b.pdf', 'done'],
          ['a.pdf', 'partial'],
        ],
      )
      assert.deepEqual(manifest.find('aa', 'o2', 'a.pdf'), [])
      assert.equal(manifest.unchanged({ source: '/in/a.pdf', bytes: 10, modified: 5 }), 'aa')
      assert.equal(manifest.unchanged({ source: '/in/a.pdf', bytes: 10, modified: 6 }), null)
      await manifest.append({ ...entry, path: 'd.pdf' })
    }
    const lines = readFileSync(file, 'utf8').split('\n')
    assert.deepEqual(lines.slice(3), ['{"path": "c.pdf", "sha2', lines.at(-2), ''])
    assert.equal((JSON.parse(lines.at(-2) ?? '') as Entry).path, 'd.pdf')
  })

  it('begins anew where that is wished, and keeps the old one', async () => {
    await using manifest = await openManifest(path, { anew: true, readOnly: false })
    assert.deepEqual(manifest.find('aa', 'o1', 'a.pdf'), [])
    assert.ok(existsSync(`${file}.old`))
  })

  it('writes nothing where it is only looked at', async () => {
    const elsewhere = join(path, 'elsewhere')
    await using manifest = await openManifest(elsewhere, { anew: false, readOnly: true })
    await manifest.append(entry)
    assert.ok(!existsSync(elsewhere))
  })
})

describe('the out folder', () => {
  const { path } = useFolder()

  it('writes whole files only, and one command at a time', async () => {
    const out = join(path, 'out')
    {
      await using folder = await openOutFolder(out, { anew: false })
      await assert.rejects(openOutFolder(out, { anew: false }), /Another ocr writes/)
      await folder.write('sub/a.md', 'text')
      // A folder stands where the file would.
      mkdirSync(join(out, 'b.md', 'c'), { recursive: true })
      await assert.rejects(folder.write('b.md', 'text'))
      assert.deepEqual(
        readdirSync(join(out, '.ocr')).filter((name) => name.endsWith('.tmp')),
        [],
      )
    }
    await using folder = await openOutFolder(out, { anew: false })
    const from = { output: 'sub/a.md', figures: [] }
    await folder.take(from, { output: 'd.md', figures: 'd.figures' }, false)
    await folder.take(from, { output: 'e/f.md', figures: 'e/f.figures' }, true)
    assert.deepEqual([folder.has('sub/a.md'), folder.has('d.md'), folder.has('e/f.md')], [false, true, true])
    folder.finish()
  })

  it('writes pictures before the text, takes them along, and keeps none that belongs to no text', async () => {
    const out = join(path, 'pictures')
    await using folder = await openOutFolder(out, { anew: false })
    const files = [1, 2].map((page) => ({ name: `page-${page}-1.png`, bytes: new Uint8Array([page]) }))
    const text = '![a](a.pdf.figures/page-1-1.png) "name":"a.pdf.figures/page-2-1.png" a.pdf.figures/page-1-1.png'
    await folder.write('a.pdf.md', text, { place: 'a.pdf.figures', files })
    writeFileSync(join(out, 'a.pdf.figures/mine.png'), '')
    await folder.write('a.pdf.md', text, { place: 'a.pdf.figures', files: files.slice(1) })
    assert.deepEqual(readdirSync(join(out, 'a.pdf.figures')).toSorted(), ['mine.png', 'page-2-1.png'])
    const from = { output: 'a.pdf.md', figures: ['a.pdf.figures/page-2-1.png'] }
    const taken = await folder.take(from, { output: 'b/c d.pdf.md', figures: 'b/c d.pdf.figures' }, true)
    assert.deepEqual(taken, ['b/c d.pdf.figures/page-2-1.png'])
    assert.equal(
      readFileSync(join(out, 'b/c d.pdf.md'), 'utf8'),
      '![a](c%20d.pdf.figures/page-1-1.png) "name":"c%20d.pdf.figures/page-2-1.png" a.pdf.figures/page-1-1.png',
    )
    assert.deepEqual(readdirSync(join(out, 'b/c d.pdf.figures')), ['page-2-1.png'])
    assert.deepEqual(readdirSync(out).toSorted(), ['.ocr', 'a.pdf.figures', 'b'])
    assert.deepEqual(readdirSync(join(out, 'a.pdf.figures')), ['mine.png'])
    mkdirSync(join(out, 'e.md/f'), { recursive: true })
    await assert.rejects(folder.write('e.md', text, { place: 'e.figures', files }))
    folder.finish()
  })

  it('leaves nothing of its own when it is finished, and forgets what it kept where that is wished', async () => {
    const out = join(path, 'out')
    assert.ok(!existsSync(join(out, '.ocr')))
    mkdirSync(join(out, '.ocr/data'), { recursive: true })
    writeFileSync(join(out, '.ocr/data/pages.db'), '')
    await using folder = await openOutFolder(out, { anew: true })
    assert.ok(!existsSync(folder.dataDir))
  })
})

describe('outputPlace', () => {
  for (const [place, expected] of [
    ['a.pdf', 'a.pdf.md'],
    ['b/a', 'b/a.md'],
    [`b/${'x'.repeat(252)}`, `b/${'x'.repeat(252)}.md`],
  ] as const)
    it(`is ${expected.slice(0, 20)}`, () => assert.equal(outputPlace(place, '.md'), expected))

  it('tells long names apart, and cuts no letter', () => {
    const names = ['一', '二'].map((last) => `sub/${'字'.repeat(84)}${last}`)
    const places = names.map((name) => outputPlace(name, '.json'))
    assert.notEqual(places[0], places[1])
    for (const place of places) {
      assert.match(place, /^sub\/字{80}~[\da-f]{8}\.json$/)
      assert.ok(Buffer.byteLength(place) <= 'sub/'.length + 255)
    }
  })
})
