import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { eventually } from '../support/within.ts'

const demo = join(import.meta.dirname, '../../gateway/cli/demo.ts')

/** Starts the demo in a folder of its own, with an `xdg-open` that notes what it was to open. */
async function startDemo(args: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'demo-test-'))
  const opener = join(folder, 'xdg-open')
  await writeFile(opener, `#!/bin/sh\nprintf %s "$1" > "$0.asked"\n`)
  await chmod(opener, 0o755)
  const path = [folder, dirname(process.execPath), '/bin', '/usr/bin'].join(delimiter)
  const child = spawn(process.execPath, [demo, ...args], {
    env: { PATH: path, HOME: folder, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { text: '', markdown: '' }
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.text += text))
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.markdown += text))
  return { child, said, folder, exited: once(child, 'close').then(([code]) => code as number | null) }
}

describe('npm run demo', { timeout: 90_000, skip: process.platform !== 'linux' }, () => {
  it('reads a scan as one text: no word, sentence or table is cut, and no header or footer stands within it', async () => {
    const { said, folder, exited } = await startDemo([])
    assert.equal(await exited, 0, said.text)
    assert.match(said.markdown, /Only when the second visit shows no change is the matter passed to the county/)
    assert.match(said.markdown, /everything that is missing goes to the secretary/)
    assert.equal(said.markdown.match(/\| No\. \|/g)?.length, 1)
    assert.doesNotMatch(said.markdown, /Issue 7/)
    assert.match(said.text, /^page 4: ok, \d+ characters; it begins with the rest of a word of page 3$/m)
    await rm(folder, { recursive: true, force: true })
  })
})

describe('npm run demo -- --open', { timeout: 90_000, skip: process.platform !== 'linux' }, () => {
  it('keeps a gateway, says where to look, opens a browser, and leaves nothing behind', async () => {
    const { child, said, folder, exited } = await startDemo(['--open'])
    try {
      await eventually(() => said.text.includes('Ctrl-C ends it.'), 60_000, `the demo: ${said.text}`)
      const [, url = ''] = /^Look at (http:\/\/127\.0\.0\.1:\d+\/) /m.exec(said.text) ?? []
      const page = await fetch(url)
      assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8')
      assert.match(said.text, /It is open in your browser\./)
      assert.equal(await readFile(join(folder, 'xdg-open.asked'), 'utf8'), url)
      child.kill('SIGINT')
      assert.equal(await exited, 0)
      assert.deepEqual(
        (await readdir(folder)).filter((name) => name.startsWith('ocr-demo')),
        [],
      )
    } finally {
      child.kill('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('says what it takes', async () => {
    const { said, folder, exited } = await startDemo(['--opn'])
    assert.equal(await exited, 2)
    assert.match(said.text, /npm run demo -- --open/)
    await rm(folder, { recursive: true, force: true })
  })
})
