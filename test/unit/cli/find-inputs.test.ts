import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { findInputs } from '../../../gateway/cli/find-inputs.ts'
import { useFolder } from '../../support/use-folder.ts'

describe('findInputs', () => {
  const { path: cwd } = useFolder()
  for (const folder of ['a/b', 'c', 'a/out', 'loop/in', 'd/1.pdf.figures'])
    mkdirSync(join(cwd, folder), { recursive: true })
  for (const file of [
    'a/1.pdf',
    'a/b/2.PNG',
    'c/1.pdf',
    'a/out/old.pdf',
    'loop/3.tif',
    'a/.hidden.pdf',
    'd/1.pdf.figures/page-1-1.png',
  ])
    writeFileSync(join(cwd, file), 'anything')
  writeFileSync(join(cwd, 'a/b/scan'), '%PDF-1.7 and so on')
  writeFileSync(join(cwd, 'a/b/photo.dat'), '\u0089PNG\r\n\u001a\n', 'latin1')
  writeFileSync(join(cwd, 'a/about.md'), 'A header is %PDF-1.7')
  writeFileSync(join(cwd, 'a/empty'), '')
  symlinkSync('..', join(cwd, 'loop/in/up'))
  symlinkSync('../loop', join(cwd, 'loop/self'))
  symlinkSync('c/1.pdf', join(cwd, 'link.pdf'))
  const find = (wanted: readonly string[], outDir: string | null = null) => findInputs(wanted, { cwd, outDir })
  const placesOf = async (...args: Parameters<typeof find>): Promise<string[]> =>
    (await find(...args)).inputs.map(({ place }) => place)

  const rows: readonly { name: string; wanted: string[]; out?: string; places: string[] }[] = [
    { name: 'a file, whatever it is called', wanted: ['a/about.md'], places: ['about.md'] },
    { name: 'a folder', wanted: ['a'], places: ['1.pdf', 'b/2.PNG', 'b/photo.dat', 'b/scan', 'out/old.pdf'] },
    { name: 'but not its output', wanted: ['a'], out: 'a/out', places: ['1.pdf', 'b/2.PNG', 'b/photo.dat', 'b/scan'] },
    {
      name: 'folders, each in its own',
      wanted: ['a/b/', 'c'],
      places: ['a/b/2.PNG', 'a/b/photo.dat', 'a/b/scan', 'c/1.pdf'],
    },
    { name: 'files of one name', wanted: ['a/1.pdf', 'c/1.pdf'], places: ['a/1.pdf', 'c/1.pdf'] },
    { name: 'what is named twice, once', wanted: ['a/1.pdf', 'a/1.pdf', './a/1.pdf'], places: ['1.pdf'] },
    { name: 'a link', wanted: ['link.pdf'], places: ['link.pdf'] },
    { name: 'links in circles', wanted: ['loop'], places: ['3.tif'] },
    { name: 'a pattern', wanted: ['{a,c}/*.pdf'], places: ['a/1.pdf', 'c/1.pdf'] },
    { name: 'a deep pattern', wanted: ['a/**/*.pdf'], out: 'a/out', places: ['1.pdf'] },
    { name: 'what is in the output folder itself, where that is given', wanted: ['c'], out: 'c', places: ['1.pdf'] },
    { name: 'a pattern there', wanted: ['c/*'], out: 'c', places: ['1.pdf'] },
    { name: 'no picture of a document', wanted: ['d', 'd/**/*.png', 'c/1.pdf'], places: ['1.pdf'] },
    { name: 'a picture that is named', wanted: ['d/1.pdf.figures/page-1-1.png'], places: ['page-1-1.png'] },
    { name: 'those of a folder that is named', wanted: ['d/1.pdf.figures'], places: ['page-1-1.png'] },
    { name: 'standard input', wanted: ['-'], places: ['stdin'] },
    { name: 'an address', wanted: ['https://example.com/x/y%20z.pdf?key=secret'], places: ['example.com/x/y z.pdf'] },
    { name: 'an address that would climb', wanted: ['https://h/%2e%2e%2f..%2fz'], places: ['h/.._.._z'] },
  ]
  for (const { name, wanted, out, places } of rows)
    it(`finds ${name}`, async () => {
      assert.deepEqual(await placesOf(wanted, out === undefined ? null : join(cwd, out)), places)
    })

  it('takes the Office documents of a folder where there is something that converts them', async () => {
    const folder = join(cwd, 'office')
    mkdirSync(folder)
    for (const file of ['a.docx', 'b.XLS', 'c.html', 'd.eml', 'e.msg']) writeFileSync(join(folder, file), 'anything')
    const places = async (hasOffice: boolean): Promise<string[]> =>
      (await findInputs(['office'], { cwd, outDir: null, hasOffice })).inputs.map(({ place }) => place)
    assert.deepEqual(await places(true), ['a.docx', 'b.XLS', 'c.html', 'd.eml'])
    assert.deepEqual(await places(false), [])
  })

  it('says of a name that is not UTF-8 to rename it', async () => {
    mkdirSync(join(cwd, 'names'))
    writeFileSync(Buffer.concat([Buffer.from(join(cwd, 'names/')), Buffer.from([0xff]), Buffer.from('.pdf')]), 'x')
    writeFileSync(join(cwd, 'names/\ufffd-real.pdf'), 'x')
    const { inputs, unreadable } = await find(['names'])
    assert.deepEqual(
      inputs.map(({ place }) => place),
      ['\ufffd-real.pdf'],
    )
    assert.match(unreadable[0]?.message ?? '', /its name is not UTF-8; rename it/)
  })

  it('counts what it leaves alone, and never says the query of an address', async () => {
    const { inputs, leftAlone, unreadable } = await find(['a', 'https://h/a?sig=secret'])
    assert.deepEqual(
      [...leftAlone],
      [
        ['.md', 1],
        ['', 1],
      ],
    )
    assert.deepEqual(unreadable, [])
    assert.equal(inputs.at(-1)?.name, 'https://h/a')
  })

  it('says what is not there, and goes on', async () => {
    const { inputs, unreadable } = await find(['nowhere', 'x*.pdf', 'c'])
    assert.equal(inputs.length, 1)
    assert.deepEqual(unreadable, [
      { name: 'nowhere', message: 'there is no such file or folder' },
      { name: 'x*.pdf', message: 'matches no file' },
    ])
  })
})
