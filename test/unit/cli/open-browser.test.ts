import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openBrowser } from '../../../gateway/cli/open-browser.ts'

describe('opening a browser', { skip: process.platform !== 'linux' }, () => {
  const { PATH } = process.env
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opener-'))
    process.env['PATH'] = folder
  })
  after(async () => {
    process.env['PATH'] = PATH
    await rm(folder, { recursive: true })
  })

  it('is not said to have worked where there is none, or where it failed', async () => {
    assert.equal(await openBrowser('http://127.0.0.1:1/'), false)
    for (const [code, hasWorked] of [
      [0, true],
      [3, false],
    ] as const) {
      await writeFile(join(folder, 'xdg-open'), `#!/bin/sh\nexit ${code}\n`)
      await chmod(join(folder, 'xdg-open'), 0o755)
      assert.equal(await openBrowser('http://127.0.0.1:1/'), hasWorked, String(code))
    }
  })
})
