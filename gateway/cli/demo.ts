// `npm run demo`: a real scan through a real gateway with the official client, on this machine alone.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import OpenAI from 'openai'
import type { ChatCompletionChunk } from 'openai/resources'
import { loadConfig } from '../config/load.ts'
import { startGateway } from '../server.ts'

const DOCUMENT = join(import.meta.dirname, '../../test/fixtures/documents/four-page-scan.pdf')

const dataDir = await mkdtemp(join(tmpdir(), 'ocr-demo-'))
const { config } = loadConfig({
  GATEWAY_PORT: '0',
  GATEWAY_DATA_DIR: dataDir,
  GATEWAY_LOG_LEVEL: 'warn',
  GATEWAY_LOG_FORMAT: 'pretty',
})
if (config === null) throw new Error('the settings of the demo are not valid')
const gateway = await startGateway(config)
try {
  await demonstrate(`${gateway.url}/v1`)
} finally {
  await gateway.stop()
  await rm(dataDir, { recursive: true, force: true })
}

async function demonstrate(baseURL: string): Promise<void> {
  const client = new OpenAI({ baseURL, apiKey: 'none needed here' })
  say(`A gateway runs at ${baseURL}, with the embedded engine: no GPU, no network.`)
  say(`Sending ${basename(DOCUMENT)}, a scan of four pages. Its Markdown, as it arrives:\n`)
  const startedAt = performance.now()
  const stream = await client.chat.completions.create({
    model: 'default',
    stream: true,
    messages: [{ role: 'user', content: [await filePart(DOCUMENT)] }],
  })
  let last: ChatCompletionChunk | null = null
  for await (const chunk of stream) {
    process.stdout.write(chunk.choices[0]?.delta.content ?? '')
    last = chunk
  }
  report(last, (performance.now() - startedAt) / 1000)
}

async function filePart(path: string) {
  const data = (await readFile(path)).toString('base64')
  return { type: 'file' as const, file: { filename: basename(path), file_data: `data:application/pdf;base64,${data}` } }
}

/** The ledger comes with the last chunk. */
function report(last: ChatCompletionChunk | null, seconds: number): void {
  const { ocr } = last as unknown as { ocr: { pages: { page: number; status: string; start: number; end: number }[] } }
  say('\n')
  for (const { page, status, start, end } of ocr.pages) say(`page ${page}: ${status}, ${end - start} characters`)
  say(`${ocr.pages.length} pages in ${seconds.toFixed(1)} s. Next: point the gateway at vLLM (README.md).`)
}

function say(text: string): void {
  process.stderr.write(`${text}\n`)
}
