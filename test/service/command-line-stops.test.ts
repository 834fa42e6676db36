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
/** The number of a page that takes long. */
const SLOW = 2300
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
async function stopThrice(
  folder: string,
  engine: FakeVllm,
  env: Readonly<Record<string, string>>,
  onStopped: (signal: NodeJS.Signals) => void = () => {},
) {
  const said: string[] = []
  const endings: (number | null)[] = []
  for (const signal of SIGNALS) {
    const before = engine.requests.length
    const run = startOcr(ARGS, { cwd: folder, env })
    await eventually(() => engine.requests.length >= before + 8, 20_000, `some pages before ${signal}`)
    run.child.kill(signal)
    endings.push(await within(run.exited, 20_000, `the end by ${signal}`))
    said.push(run.output.stderr)
    onStopped(signal)
  }
  assert.deepEqual(endings, [130, 143, null])
  return said
}

describe('ocr that is stopped', { timeout: 120_000, concurrency: 2 }, () => {
  const { path } = useFolder()
  const folderOf = (name: string): string => {
    mkdirSync(join(path, name))
    return join(path, name)
  }

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

  it('finishes what an engine has taken, begins no other page, and asks for none twice', async () => {
    const [documents, pages] = [2, 30]
    const folder = folderOf('own')
    makeDocuments(folder, documents, pages)
    writeFileSync(join(folder, 'in/-.pdf'), makePdf([{ number: SLOW }]))
    // The only page of this one is at the engine when the command is stopped: so it is finished, and written.
    await using engine = await startEngine(150, { [SLOW]: 3000 })
    const env = { GATEWAY_UPSTREAM_URLS: engine.url, GATEWAY_UPSTREAM_CONCURRENCY: `${IN_FLIGHT}` }
    const said = await stopThrice(folder, engine, env, (signal) => {
      if (signal === 'SIGKILL') return
      const unfinished = engine.requests.filter(({ finished }) => !finished).map(({ image }) => image?.pageNumber)
      assert.deepEqual(unfinished, [], `none is left at ${signal}`)
      assert.equal(new Set(asked(engine)).size, asked(engine).length, `no page twice after ${signal}`)
      assert.match(read(folder, '-.pdf.md'), new RegExp(`page ${SLOW}`))
    })
    assert.match(said[0] ?? '', /Stopping: the pages that are being read are finished\. Ctrl-C again leaves them\./)
    assert.match(said[0] ?? '', /1 read, 2 not begun or left[^]*same command again/)
    const last = await runOcr(ARGS, { cwd: folder, env })
    assert.equal(last.code, 0, last.stderr)
    assert.equal(new Set(asked(engine)).size, documents * pages + 1)
    // Only kill -9 leaves pages unfinished; an answer that has been sent may not have been kept yet.
    assert.ok(asked(engine).length <= documents * pages + 1 + IN_FLIGHT, `${asked(engine).length} asked`)
    checkDocuments(folder, documents, pages)
    assert.ok(!existsSync(join(folder, 'out/.ocr')))
  })

  it('goes on with a gateway that runs, and asks for no page twice, however it is stopped', async () => {
    const [documents, pages] = [2, 40]
    const folder = folderOf('running')
    makeDocuments(folder, documents, pages)
    await using engine = await startEngine(40)
    await using gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: engine.url,
      GATEWAY_UPSTREAM_CONCURRENCY: `${IN_FLIGHT}`,
    })
    const env = { OPENAI_BASE_URL: gateway.url }
    const said = await stopThrice(folder, engine, env)
    for (const text of said.slice(0, 2)) {
      assert.match(text, /Stopping\. [^]*is left after \d+ of 40 pages\. The gateway finishes the pages/)
    }
    const last = await runOcr(ARGS, { cwd: folder, env })
    assert.equal(last.code, 0, last.stderr)
    // The gateway finishes what an engine had taken even when the command is killed.
    assert.deepEqual([asked(engine).length, new Set(asked(engine)).size], [documents * pages, documents * pages])
    checkDocuments(folder, documents, pages)
  })
})
