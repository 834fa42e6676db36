import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import OpenAI from 'openai'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from './documents.ts'
import { makePdf } from './make-pdf.ts'
import { createBatch, linesOf } from './run-batch.ts'
import { startBrowser } from './start-browser.ts'
import { startTestGateway } from './start-gateway.ts'
import { eventually } from './within.ts'

const DEADLINE = 30_000
const ADMIN_KEY = 'scene-admin-key'
const KEYS = [
  { name: 'operator', key: ADMIN_KEY, admin: true },
  { name: 'archive', key: 'scene-archive-key' },
  { name: 'invoices', key: 'scene-invoices-key' },
]

/** A gateway at work, as its operator sees it. */
export interface StatusScene extends AsyncDisposable {
  /** The page, with its key given. */
  readonly open: (browser: Browser, width: number, scheme: 'light' | 'dark') => Promise<Page>
}

/** Starts a gateway whose status has something of everything: two servers, one of them gone, callers, a batch, failures. */
export async function startStatusScene(): Promise<StatusScene> {
  await using made = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'status-scene-'))
  made.defer(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'keys.json'), JSON.stringify(KEYS))
  const [works, dies] = await Promise.all([startFakeVllm(), startFakeVllm()])
  made.defer(() => works.kill())
  const gateway = made.use(
    await startTestGateway({
      GATEWAY_UPSTREAM_URLS: `${works.url},${dies.url}`,
      GATEWAY_KEYS_FILE: join(folder, 'keys.json'),
    }),
  )
  const clientOf = (key: string) => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0 })
  const [, archive, invoices] = KEYS.map(({ key }) => clientOf(key))
  if (archive === undefined || invoices === undefined) throw new Error('there are three keys')
  await ask(archive, 12)
  await ask(archive, 12)
  await refused(invoices)
  await dies.kill()
  works.setAnswer(() => ({ text: 'A page that takes its time.', firstDelayMs: 300, delayMs: 600 }))
  const running = [ask(archive, 30, 100), ask(invoices, 8, 200), beginBatch(archive)]
  for (const each of running) each.catch(() => {})
  const isSeen = () => gateway.services.upstreams.status().some(({ problem }) => problem !== null)
  await eventually(async () => isSeen(), DEADLINE, 'a server is seen to be gone')
  const kept = made.move()
  return {
    open: (browser, width, scheme) => openPage(browser, `${gateway.url}/status`, { width, scheme }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

const pdfOf = (pages: number, from = 0): Buffer =>
  Buffer.from(makePdf(Array.from({ length: pages }, (_, index) => ({ number: from + index + 1 }))))

async function ask(client: OpenAI, pages: number, from = 0): Promise<void> {
  await client.chat.completions.create({
    model: 'default',
    messages: [{ role: 'user', content: [filePart(pdfOf(pages, from))] }],
  })
}

async function refused(client: OpenAI): Promise<void> {
  const content = [filePart(Buffer.from('%PDF-1.7 and nothing else'))]
  const broken = client.chat.completions.create({ model: 'default', messages: [{ role: 'user', content }] })
  await broken.catch(() => {})
  await client.models.retrieve('no-such-model').catch(() => {})
  await client.models.retrieve('no-such-model').catch(() => {})
}

async function beginBatch(client: OpenAI): Promise<void> {
  const lines = Array.from({ length: 40 }, (_, index) => ({
    custom_id: `line-${index}`,
    body: { model: 'default', messages: [{ role: 'user', content: [filePart(pdfOf(1, 500 + index))] }] },
  }))
  await createBatch(client, '/v1/chat/completions', linesOf('/v1/chat/completions', lines))
}

async function openPage(
  browser: Browser,
  url: string,
  { width, scheme }: { readonly width: number; readonly scheme: 'light' | 'dark' },
): Promise<Page> {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: scheme })
  await page.goto(url)
  await page.getByLabel('Key').fill(ADMIN_KEY)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Batches' }).waitFor()
  return page
}

/** Takes the picture of the status page that the documentation shows. */
export async function takeStatusPicture(browser: Browser, path: string): Promise<void> {
  await using scene = await startStatusScene()
  const page = await scene.open(browser, 1120, 'light')
  await page.getByRole('meter').first().waitFor()
  await eventually(async () => (await page.getByText('in progress').count()) > 0, DEADLINE, 'the batch')
  await page.setViewportSize({ width: 1120, height: 1180 })
  await page.screenshot({ path })
}

if (import.meta.main) {
  await using browser = await startBrowser()
  await takeStatusPicture(browser, join(import.meta.dirname, '../../docs/pictures/status.png'))
}
