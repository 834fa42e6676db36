import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { errorCatalogue } from '../../gateway/errors.ts'

const root = join(import.meta.dirname, '../..')
const files = globSync('{gateway,test}/**/*.{ts,tsx}', { cwd: root }).map((path) => ({
  path,
  text: readFileSync(join(root, path), 'utf8'),
}))
const gatewayFiles = files.filter(({ path }) => path.startsWith('gateway/'))

/** A package as it is imported, required or resolved: by name, with a path behind it or without. */
const isNamedIn = (text: string, name: string): boolean =>
  [`'${name}'`, `'${name}/`, `\`${name}/`].some((mention) => text.includes(mention))

describe('what gateway/ holds', () => {
  it('has a use for each error code', () => {
    // The catalogue itself names its codes without quotes.
    const isUsed = (code: string): boolean => gatewayFiles.some(({ text }) => text.includes(`'${code}'`))
    assert.deepEqual(
      Object.keys(errorCatalogue).filter((code) => !isUsed(code)),
      [],
    )
  })

  it('has a use in another file for each function, class and constant that is exported', () => {
    const exported = gatewayFiles.flatMap(({ path, text }) =>
      [...text.matchAll(/^export (?:async )?(?:function\*?|const|class) (\w+)/gm)].map(([, name = '']) => ({
        path,
        name,
      })),
    )
    const isUsed = ({ path, name }: (typeof exported)[number]): boolean =>
      files.some((file) => file.path !== path && new RegExp(`\\b${name}\\b`).test(file.text))
    assert.ok(exported.length > 100)
    assert.deepEqual(
      exported.filter((each) => !isUsed(each)).map(({ path, name }) => `${path}: ${name}`),
      [],
    )
  })

  it('has a use for each package that it brings', () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>
    }
    // Tesseract's data are found by their language.
    const named = (name: string): string => name.replace(/^(@tesseract\.js-data)\/.*/, '$1')
    const isUsed = (name: string): boolean => gatewayFiles.some(({ text }) => isNamedIn(text, named(name)))
    assert.deepEqual(
      Object.keys(dependencies).filter((name) => !isUsed(name)),
      [],
    )
  })

  it('uses the OpenAI client on the command line alone', () => {
    const users = gatewayFiles.filter(({ text }) => isNamedIn(text, 'openai')).map(({ path }) => path)
    // The playground shows code that uses it.
    const mayName = ['gateway/cli/', 'gateway/web/app/samples/']
    assert.deepEqual(
      users.filter((path) => !mayName.some((folder) => path.startsWith(folder))),
      [],
    )
  })
})
