import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { makePdf } from '../support/make-pdf.ts'
import { runOcr, startOcr } from '../support/run-ocr.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { useFolder } from '../support/use-folder.ts'
import { eventually, within } from '../support/within.ts'

const IN_FLIGHT = 3
const ARGS = ['in', '-o', 'out', '-c', '2']
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGKILL'] as const

/** An engine that takes `delay` milliseconds for a page, or what is said for the page's number. */
const startEngine = (delay: number, delays: Readonly<Record<number, number>> = {}) =>
  startFakeVllm({
    answer: ({ image }) => ({
      text: `This is page ${image?.pageNumber}.`,
      firstDelayMs: delays[image?.pageNumber ?? -1] ?? delay,
    }),
  })

/** Makes documents of so many pages each, which are numbered from 1000 on. */
function makeDocuments(folder: string, documents: number, pages: number): void {
  mkdirSync(join(folder, 'in'))
  for (let document = 0; document < documents; document += 1) {
    const numbers = Array.from({ length: pages }, (_, page) => ({ number: 1000 + document * pages + page }))
    writeFileSync(join(folder, `in/${document}.pdf`), makePdf(numbers))
  }
}

const asked = ({ requests }: FakeVllm) => requests.map(({ image }) => image?.pageNumber ?? -1)
const read = (folder: string, file: string): string => readFileSync(join(folder, 'out', file), 'utf8')

function checkDocuments(folder: string, documents: number, pages: number): void {
  for (let document = 0; document < documents; document += 1) {
    const found = [...read(folder, `${document}.pdf.md`).matchAll(/page (\d+)\./g)].map(([, number]) => Number(number))
    assert.deepEqual(
      found,
      Array.from({ length: pages }, (_, page) => 1000 + document * pages + page),
    )
  }
}

/** Stops the command three times, each time after some pages. Returns what it has said. */
async function stopThrice(folder: string, engine: FakeVllm, env: Readonly<Record<string, string>>) {
  const said: string[] = []
  const endings: (number | null)[] = []
  for (const signal of SIGNALS) {
    const before = engine.requests.length
    const run = startOcr(ARGS, { cwd: folder, env })
    await eventually(() => engine.requests.length >= before + 8, 20_000, `some pages before ${signal}`)
    run.child.kill(signal)
    endings.push(await within(run.exited, 20_000, `the end by ${signal}`))
    said.push(run.output.stderr)
  }
  assert.deepEqual(endings, [130, 143, null])
  return said
}

describe('ocr that is stopped', { timeout: 90_000, concurrency: 2 }, () => {
  const { path } = useFolder()
  const folderOf = (name: string): string => {
    mkdirSync(join(path, name))
    return join(path, name)
  }

  it('finishes the pages that an engine has taken, begins no others, and asks for none of them again', async () => {
    const folder = folderOf('long')
    makeDocuments(folder, 1, 60)
    writeFileSync(join(folder, 'in/short.pdf'), makePdf([{ number: 2300 }]))
    // The short one is still being read when the command is stopped.
    await using engine = await startEngine(300, { 2300: 2500 })
    const env = { GATEWAY_UPSTREAM_URLS: engine.url, GATEWAY_UPSTREAM_CONCURRENCY: '4' }
    const first = startOcr(ARGS, { cwd: folder, env })
    await eventually(() => engine.requests.length >= 14, 20_000, 'some pages')
    first.child.kill('SIGINT')
    assert.equal(await within(first.exited, 15_000, 'the end'), 130, first.output.stderr)
    assert.match(first.output.stderr, /Stopping: the pages that are being read are finished\. Ctrl-C again leaves them\./)
    assert.match(first.output.stderr, /1 read, 1 not begun or left[^]*same command again/)
    assert.match(read(folder, 'short.pdf.md'), /page 2300/)
    assert.ok(
      engine.requests.every(({ finished }) => finished),
      'none is aborted',
    )
    const last = await runOcr(ARGS, { cwd: folder, env })
    assert.equal(last.code, 0, last.stderr)
    assert.deepEqual([asked(engine).length, new Set(asked(engine)).size], [61, 61])
    checkDocuments(folder, 1, 60)
  })

  it('leaves even those at the second Ctrl-C', async () => {
    const folder = folderOf('twice')
    makeDocuments(folder, 1, 2)
    await using engine = await startEngine(30_000)
    const run = startOcr(ARGS, { cwd: folder, env: { GATEWAY_UPSTREAM_URLS: engine.url } })
    await eventually(() => engine.requests.length === 2, 20_000, 'the pages are in flight')
    run.child.kill('SIGINT')
    await eventually(() => /Stopping/.test(run.output.stderr), 5000, 'the first is heard')
    // Both copies of one Ctrl-C count as one.
    await new Promise((resolve) => setTimeout(resolve, 600))
    run.child.kill('SIGINT')
    assert.equal(await within(run.exited, 5000, 'the end'), 130)
    assert.ok(engine.requests.every(({ aborted }) => aborted))
  })

  it('goes on when it is started again, and asks for no page twice: after SIGINT, SIGTERM and kill -9', async () => {
    const [documents, pages] = [10, 4]
    const folder = folderOf('own')
    makeDocuments(folder, documents, pages)
    await using engine = await startEngine(120)
    const env = { GATEWAY_UPSTREAM_URLS: engine.url, GATEWAY_UPSTREAM_CONCURRENCY: `${IN_FLIGHT}` }
    const said = await stopThrice(folder, engine, env)
    for (const text of said.slice(0, 2)) assert.match(text, /Stopping: [^]*same command again/)
    const last = await runOcr(ARGS, { cwd: folder, env })
    assert.equal(last.code, 0, last.stderr)
    assert.equal(new Set(asked(engine)).size, documents * pages)
    // Only kill -9 leaves pages unfinished; an answer that has been sent may not have been kept yet.
    assert.ok(asked(engine).length <= documents * pages + IN_FLIGHT, `${asked(engine).length} asked`)
    checkDocuments(folder, documents, pages)
    assert.ok(!existsSync(join(folder, 'out/.ocr')))
  })

  it('goes on with a gateway that runs, and has no page read again that was finished', async () => {
    const [documents, pages] = [2, 50]
    const folder = folderOf('running')
    makeDocuments(folder, documents, pages)
    await using engine = await startEngine(40)
    await using gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: engine.url,
      GATEWAY_UPSTREAM_CONCURRENCY: `${IN_FLIGHT}`,
    })
    const env = { OPENAI_BASE_URL: gateway.url }
    const said = await stopThrice(folder, engine, env)
    for (const text of said.slice(0, 2)) assert.match(text, /Stopping[^]*is left after \d+ of 50 pages/)
    const last = await runOcr(ARGS, { cwd: folder, env })
    assert.equal(last.code, 0, last.stderr)
    const finished = engine.requests.filter((request) => request.finished).map(({ image }) => image?.pageNumber)
    assert.deepEqual([finished.length, new Set(finished).size], [documents * pages, documents * pages])
    assert.ok(asked(engine).length <= documents * pages + SIGNALS.length * IN_FLIGHT, `${asked(engine).length} asked`)
    checkDocuments(folder, documents, pages)
  })
})
