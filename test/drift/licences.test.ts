import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { z } from 'zod'
import { sbom } from '../support/write-sbom.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

const lockedSchema = z.object({
  packages: z.record(z.string(), z.object({ dev: z.boolean().optional(), license: z.string().optional() })),
})
const manifestSchema = z.object({ name: z.string(), license: z.string().optional() })

/** What asks for no more than that its text is handed on; fonts by the Open Font License among them. */
const permissive = new Set(['MIT', 'Apache-2.0', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0', 'Unlicense', 'OFL-1.1']) // prettier-ignore

/** What asks for more: a library that whoever gets the image may replace. Each is named in docs/operating/image.md. */
const lesser = /^(?:libheif-js|@img\/sharp-(?:libvips-.+|win32-.+|wasm32))$/

const packageName = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)

const installed = Object.entries(lockedSchema.parse(JSON.parse(read('package-lock.json'))).packages)
  .filter(([path, { dev }]) => path !== '' && dev !== true)
  .map(([path, { license }]) => {
    const file = new URL(`${path}/package.json`, root)
    const isHere = existsSync(file)
    const own = isHere ? manifestSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).license : undefined
    return { name: packageName(path), isHere, licence: own ?? license }
  })

const parts = (licence: string): string[] => licence.split(' AND ')

describe('the licences of what is brought', () => {
  it('are known of all packages that are installed here', () => {
    assert.ok(installed.filter(({ isHere }) => isHere).length > 80)
    assert.deepEqual(installed.filter(({ isHere, licence }) => isHere && licence === undefined), []) // prettier-ignore
  })

  it('ask for nothing but their text, except for libraries that may be replaced', () => {
    const others = installed
      .filter(({ licence }) => licence !== undefined && parts(licence).some((part) => !permissive.has(part)))
      .map(({ name, licence }) => ({ name, licence }))
    assert.deepEqual(others.filter(({ name }) => !lesser.test(name)), []) // prettier-ignore
    for (const { name, licence = '' } of others)
      assert.ok(
        parts(licence).every((part) => permissive.has(part) || /^LGPL-3\.0(?:-or-later)?$/.test(part)),
        name,
      )
  })

  it('can be asked of a list that has all packages, those in the pages among them, and no tools', async () => {
    const names = new Set((await sbom()).components.map(({ name }) => name))
    for (const { name, isHere } of installed) assert.ok(!isHere || names.has(name), name)
    for (const name of ['preact', 'dompurify', 'marked', '@scalar/api-reference']) assert.ok(names.has(name), name)
    for (const name of ['typescript', 'esbuild', 'playwright-core']) assert.ok(!names.has(name), name)
  })

  it('are named in the docs where they ask for more', () => {
    const page = read('docs/operating/image.md')
    for (const name of ['libheif-js', '@img/sharp-libvips', 'LGPL-3.0']) assert.ok(page.includes(name), name)
  })
})
