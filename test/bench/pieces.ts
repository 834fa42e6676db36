// What each piece of an answer's text costs the gateway's own process, beside what it costs OpenAI's client to read the same streams.
import { cpuSecondsOf, launchFake, launchGateway } from './processes.ts'
import { connect, MODEL, readDocument } from './read-document.ts'
import { smallPages } from './small-pages.ts'
import { median } from './median.ts'
import { printBar, printTable } from './table.ts'
import { instantAnswers } from '../fakes/fake-vllm-instant.ts'

const AT_ONCE = 64
const PAGES = 3 * AT_ONCE
const SECONDS = 2
/** Both ways take turns so often. */
const ROUNDS = 3

/** How a page's text comes: in so many milliseconds it goes on by a piece or two, or not before its end. */
const ways = { pieces: 5, whole: 2 * SECONDS * 1000 } as const

/** CPU seconds for `PAGES` pages whose text comes in pieces, and at its end. */
interface Cost {
  readonly pieces: number[]
  readonly whole: number[]
}

/** Runs the benchmark and prints its table; returns whether its bar was met. */
export async function benchPieces(): Promise<boolean> {
  const piecesOfPage = instantAnswers(MODEL).events.length
  const gateway: Cost = { pieces: [], whole: [] }
  const client: Cost = { pieces: [], whole: [] }
  for (let round = 0; round < ROUNDS; round++) {
    for (const way of ['pieces', 'whole'] as const) {
      const flags = ['--model', MODEL, '--serve', `${AT_ONCE}`, '--seconds', `${SECONDS}`, '--every', `${ways[way]}`]
      await using fake = await launchFake(flags)
      gateway[way].push(await ofGateway(fake.url))
      client[way].push(await ofClient(fake.url))
    }
  }
  const perPage = (seconds: readonly number[]) => (median(seconds) / PAGES) * 1000
  const perPiece = (cost: Cost) => ((perPage(cost.pieces) - perPage(cost.whole)) / piecesOfPage) * 1000
  const row = (name: string, cost: Cost) => ({
    'CPU of': name,
    'ms a page, whole': perPage(cost.whole).toFixed(2),
    [`ms a page of ${piecesOfPage} pieces`]: perPage(cost.pieces).toFixed(2),
    'µs a piece': perPiece(cost).toFixed(1),
  })
  printTable([row('the gateway', gateway), row("OpenAI's client", client)])
  const ratio = perPiece(gateway) / perPiece(client)
  return printBar(`a piece costs ${ratio.toFixed(2)} times what it costs the client, at most 1`, ratio <= 1)
}

async function ofGateway(server: string): Promise<number> {
  await using gateway = await launchGateway([server], { GATEWAY_UPSTREAM_CONCURRENCY: `${AT_ONCE}` })
  const client = connect(gateway.url)
  await readDocument(client, smallPages(AT_ONCE, 3001))
  const before = cpuSecondsOf(gateway.pid)
  const { pagesRead } = await readDocument(client, smallPages(PAGES))
  if (pagesRead !== PAGES) throw new Error(`${pagesRead} of ${PAGES} pages were read`)
  return cpuSecondsOf(gateway.pid) - before
}

async function ofClient(server: string): Promise<number> {
  const client = connect(server.replace(/\/v1$/, ''))
  const readPage = async (): Promise<void> => {
    const messages = [{ role: 'user' as const, content: 'a page' }]
    const body = { model: MODEL, stream: true, stream_options: { include_usage: true }, messages } as const
    let text = ''
    for await (const chunk of await client.chat.completions.create(body)) text += chunk.choices[0]?.delta.content ?? ''
    if (text.length < 1000) throw new Error(`${text.length} characters were read`)
  }
  const readAll = () =>
    Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let page = 0; page < PAGES / AT_ONCE; page++) await readPage()
      }),
    )
  const before = process.cpuUsage()
  await readAll()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}
