import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { runOcr } from '../support/run-ocr.ts'
import { readCorpus } from './read-corpus.ts'

const corpus = join(import.meta.dirname, '../../../shared/corpus/public')

interface Listed {
  readonly file: string
  readonly expected: string
}

const { files } = JSON.parse(readCorpus('public/manifest.json').toString()) as { readonly files: readonly Listed[] }

describe('ocr over a folder of real documents', { timeout: 240_000 }, () => {
  let fake: FakeVllm
  const out = mkdtempSync(join(tmpdir(), 'ocr-corpus-'))
  before(async () => (fake = await startFakeVllm({ instant: true })))
  after(async () => {
    await fake.kill()
    rmSync(out, { recursive: true, force: true })
  })

  it('makes Markdown, or a clear error, of every file; the second time it reads none', async () => {
    const env = { GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_RASTERIZE_TIMEOUT_SECONDS: '10' }
    // The one page that each has.
    const args = [corpus, '-o', out, '--pages', '1']
    const first = await runOcr(args, { env })
    const lines = readFileSync(join(out, 'ocr-manifest.jsonl'), 'utf8').trimEnd().split('\n')
    const entries = new Map(lines.map((line) => JSON.parse(line) as Entry).map((entry) => [entry.path, entry] as const))
    const lost = files.filter(({ file }) => !isAccountedFor(entries.get(file), out) && !isLeftAlone(file))
    assert.deepEqual(lost, [], first.stderr)
    assert.equal(first.code, 1)
    const read = [...entries.values()].filter(({ status }) => status === 'done')
    assert.ok(read.length > 140, `${read.length} are read`)
    const again = await runOcr(args, { env })
    assert.match(again.stderr, /^0 read, \d+ known from before/m)
  })
})

interface Entry {
  readonly path: string
  readonly status: string
  readonly output: string | null
  readonly not_ok: readonly { readonly status: string }[]
  readonly error: { readonly code: string; readonly message: string } | null
}

function isAccountedFor(entry: Entry | undefined, out: string): boolean {
  if (entry === undefined) return false
  if (entry.output !== null) {
    const isBlank = entry.not_ok.some(({ status }) => status === 'blank')
    return existsSync(join(out, entry.output)) && (isBlank || statSync(join(out, entry.output)).size > 0)
  }
  return (entry.error?.code ?? '') !== '' && (entry.error?.message.length ?? 0) > 10
}

function isLeftAlone(file: string): boolean {
  return /\.(?:md|json|docx|jxl)$/.test(file)
}
