// `npm run demo`: a real scan through a real gateway with the official client, on this machine alone. With `--open` the
// gateway stays, for whoever wants to look at its playground.
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import OpenAI from 'openai'
import type { ChatCompletionChunk } from 'openai/resources'
import { loadConfig } from '../config/load.ts'
import { startGateway } from '../server.ts'
import { openBrowser } from './open-browser.ts'
import { listenForInterrupts } from './signals.ts'

const DOCUMENT = join(import.meta.dirname, '../../test/fixtures/documents/four-page-scan.pdf')
const SAMPLE = join(import.meta.dirname, '../web/static/sample.pdf')
const SAMPLE_PAGES = 5

/** Pages end within a sentence, a table and a word, and have the same header and footer. */
const AS_ONE_TEXT = { join: true, headers: 'strip', footers: 'strip', page_separator: '\n\n' }

const stays = staysOpen()
if (stays !== null) await run(stays)

function staysOpen(): boolean | null {
  try {
    return parseArgs({ options: { open: { type: 'boolean', default: false } } }).values.open
  } catch {
    say('npm run demo takes no argument but --open: npm run demo -- --open')
    process.exitCode = 2
    return null
  }
}

async function run(stays: boolean): Promise<void> {
  // From the very start: whoever ends it while it starts leaves no folder behind.
  using interrupts = listenForInterrupts(() => say('\nStopping.'))
  interrupts.cut.addEventListener('abort', () => process.exit(1), { once: true })
  const dataDir = await mkdtemp(join(tmpdir(), 'ocr-demo-'))
  try {
    const gateway = await startGateway(settings(dataDir))
    try {
      if (interrupts.stopping.aborted) return
      await (stays ? stayOpen(gateway.url, interrupts.stopping) : demonstrate(gateway.url, interrupts.stopping))
    } finally {
      await gateway.stop()
    }
  } catch (error) {
    // What was interrupted fails, and nobody has to be told.
    if (!interrupts.stopping.aborted) throw error
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}

function settings(dataDir: string) {
  const { config } = loadConfig({
    GATEWAY_PORT: '0',
    GATEWAY_DATA_DIR: dataDir,
    GATEWAY_LOG_LEVEL: 'warn',
    GATEWAY_LOG_FORMAT: 'pretty',
    // Whoever has seen enough does not wait for pages.
    GATEWAY_DRAIN_SECONDS: '1',
  })
  if (config === null) throw new Error('the settings of the demo are not valid')
  return config
}

/** Keeps the gateway until it is interrupted, and says where to look at it. */
async function stayOpen(url: string, stopping: AbortSignal): Promise<void> {
  say(`A gateway runs at ${url}, with the embedded engine: no GPU, no network.`)
  await warmUp(`${url}/v1`, stopping)
  if (stopping.aborted) return
  say(`Look at ${url}/ : drop a PDF or an image there, or try the sample. Its API is at ${url}/v1`)
  if (await openBrowser(`${url}/`)) say('It is open in your browser.')
  say('Ctrl-C ends it.')
  if (!stopping.aborted) await once(stopping, 'abort')
}

/** Starts what draws and reads pages, so that whoever drops the first document does not wait for that. Nothing is kept. */
async function warmUp(baseURL: string, signal: AbortSignal): Promise<void> {
  const messages = [{ role: 'user' as const, content: [await filePart(SAMPLE)] }]
  // A page for each thread of Tesseract, but not more than there are.
  const pages = `1-${Math.min(SAMPLE_PAGES, availableParallelism())}`
  const question = { model: 'default', messages, ocr: { pages, cache: 'off' } }
  await clientOf(baseURL).chat.completions.create(question, { signal })
}

async function demonstrate(url: string, signal: AbortSignal): Promise<void> {
  const baseURL = `${url}/v1`
  say(`A gateway runs at ${baseURL}, with the embedded engine: no GPU, no network.`)
  say(`Sending ${basename(DOCUMENT)}, a scan of four pages, as one text: what its pages cut is joined, headers and`)
  say('footers are left out. That takes a few seconds. Its Markdown:\n')
  const startedAt = performance.now()
  const messages = [{ role: 'user' as const, content: [await filePart(DOCUMENT)] }]
  const question = { model: 'default', stream: true as const, messages, ocr: AS_ONE_TEXT }
  const stream = await clientOf(baseURL).chat.completions.create(question, { signal })
  let last: ChatCompletionChunk | null = null
  for await (const chunk of stream) {
    process.stdout.write(chunk.choices[0]?.delta.content ?? '')
    last = chunk
  }
  // The client ends a stream that is aborted without a word.
  if (!signal.aborted) report(last, (performance.now() - startedAt) / 1000)
}

function clientOf(baseURL: string): OpenAI {
  return new OpenAI({ baseURL, apiKey: 'none needed here' })
}

async function filePart(path: string) {
  const data = (await readFile(path)).toString('base64')
  return { type: 'file' as const, file: { filename: basename(path), file_data: `data:application/pdf;base64,${data}` } }
}

interface LedgerPage {
  readonly page: number
  readonly status: string
  readonly start: number
  readonly end: number
  readonly joined?: { readonly page: number; readonly kind: string }
}

/** The ledger comes with the last chunk. */
function report(last: ChatCompletionChunk | null, seconds: number): void {
  const { ocr } = last as unknown as { ocr: { pages: LedgerPage[] } }
  say('\n')
  for (const { page, status, start, end, joined } of ocr.pages) {
    const rest = joined === undefined ? '' : `; it begins with the rest of a ${joined.kind} of page ${joined.page}`
    say(`page ${page}: ${status}, ${end - start} characters${rest}`)
  }
  say(`${ocr.pages.length} pages in ${seconds.toFixed(1)} s. Next: point the gateway at vLLM (README.md).`)
  say('Or look at pages beside their text, in a browser: npm run demo -- --open')
}

function say(text: string): void {
  process.stderr.write(`${text}\n`)
}
