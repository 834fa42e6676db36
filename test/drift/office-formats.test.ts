import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { isDocument } from '../../gateway/cli/document-kind.ts'
import { acceptedFiles } from '../../gateway/web/app/shell/file-types.ts'

const page = readFileSync(new URL('../../docs/office-documents.md', import.meta.url), 'utf8')

/** The endings that the page names in its table of formats, and mail. */
function documentedEndings(): string[] {
  const [section = ''] = page.slice(page.indexOf('## Formats')).split('\nNot read:')
  return [...section.matchAll(/`([a-z]{3,5})`/g)].map(([, ending = '']) => ending).toSorted()
}

describe('the formats of docs/office-documents.md', () => {
  it('are those that the playground offers where they are converted', () => {
    const always = new Set(acceptedFiles(false).split(','))
    const offered = acceptedFiles(true).split(',')
    assert.deepEqual(
      offered.filter((each) => !always.has(each)).toSorted(),
      documentedEndings().map((ending) => `.${ending}`),
    )
  })

  it('are looked for in folders where they are converted, and only there', async () => {
    for (const ending of documentedEndings()) {
      // It has no bytes to look at: only its ending can tell.
      const path = `/nowhere/document.${ending}`
      assert.equal(await isDocument(path, true), true, ending)
      await assert.rejects(isDocument(path, false), { code: 'ENOENT' }, ending)
    }
  })
})
