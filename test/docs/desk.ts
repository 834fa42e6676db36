import { createHash } from 'node:crypto'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import sharp from 'sharp'
import { startClientDesk } from '../support/client-snippets.ts'
import type { DocsBlock } from '../support/docs-blocks.ts'
import { makePdf } from '../support/make-pdf.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { startReceiver } from '../support/start-receiver.ts'

const root = join(import.meta.dirname, '../..')

const ADMIN_KEY = 'an-admin-key'

/** Where blocks are run: a folder with the documents that pages name, and a gateway. */
export interface Desk extends AsyncDisposable {
  readonly folder: string
  readonly gatewayUrl: string
  readonly upstreamUrl: string
  readonly env: Readonly<Record<string, string>>
}

/** The two gateways that blocks are run against. */
export interface Desks extends AsyncDisposable {
  readonly of: (block: DocsBlock) => Desk
}

/** What stands in code that names a key. */
const KEYED = /my-key|authorization: Bearer/

/**
 * Starts a gateway without settings, which reads with the embedded engine and asks for no key, and one with keys in front
 * of a fake vLLM. Code that names a key is run against the second.
 */
export async function startDesks(): Promise<Desks> {
  const keyed = await startKeyedDesk()
  const plain = await startPlainDesk(keyed.upstreamUrl)
  return {
    of: ({ code }) => (KEYED.test(code) ? keyed : plain),
    async [Symbol.asyncDispose]() {
      await plain[Symbol.asyncDispose]()
      await keyed[Symbol.asyncDispose]()
    },
  }
}

async function startPlainDesk(upstreamUrl: string): Promise<Desk> {
  const gateway = await startTestGateway()
  const folder = mkdtempSync(join(tmpdir(), 'ocr-docs-'))
  // Short pages: the embedded engine takes its time for full ones.
  const pages = [1, 2, 3, 4].map((number) => ({ lines: [`This is page ${number}.`] }))
  writeFileSync(join(folder, 'scan.pdf'), makePdf(pages))
  await furnish(folder)
  return {
    folder,
    gatewayUrl: gateway.url,
    upstreamUrl,
    env: environmentIn(folder),
    async [Symbol.asyncDispose]() {
      await gateway.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function startKeyedDesk(): Promise<Desk> {
  const settings = mkdtempSync(join(tmpdir(), 'ocr-docs-keys-'))
  const keysFile = join(settings, 'keys.json')
  const sha256 = createHash('sha256').update(ADMIN_KEY).digest('hex')
  writeFileSync(keysFile, JSON.stringify([{ name: 'platform', sha256, admin: true }]))
  const receiver = await startReceiver()
  const desk = await startClientDesk({ GATEWAY_KEYS_FILE: keysFile, ...receiver.settings })
  await furnish(desk.folder)
  const { url } = desk.gateway
  return {
    folder: desk.folder,
    gatewayUrl: url,
    upstreamUrl: desk.fake.url,
    env: { ...environmentIn(desk.folder), GATEWAY: url, KEY: desk.apiKey, ADMIN_KEY },
    async [Symbol.asyncDispose]() {
      await desk[Symbol.asyncDispose]()
      await receiver[Symbol.asyncDispose]()
      rmSync(settings, { recursive: true, force: true })
    },
  }
}

/** Folders of documents, and the project itself, whose commands pages name. */
async function furnish(folder: string): Promise<void> {
  for (const name of ['letters', 'archive', 'more/old']) mkdirSync(join(folder, name), { recursive: true })
  const documents = join(root, 'test/fixtures/documents')
  cpSync(join(documents, 'page-9.jp2'), join(folder, 'letters/first.jp2'))
  cpSync(join(documents, 'page-13-arithmetic.jpg'), join(folder, 'letters/second.jpg'))
  cpSync(join(documents, 'page-9.jp2'), join(folder, 'archive/old.jp2'))
  await sharp(join(documents, 'page-13-arithmetic.jpg')).toFile(join(folder, 'more/old/page.tif'))
  for (const entry of readdirSync(root).filter((name) => !/^(?:data|\.git|README\.md)$/.test(name)))
    if (entry !== 'node_modules' || !readdirSync(folder).includes(entry))
      symlinkSync(join(root, entry), join(folder, entry))
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'bin/ocr'), '#!/bin/sh\nexec node gateway/cli/ocr.js "$@"\n')
  chmodSync(join(folder, 'bin/ocr'), 0o755)
}

function environmentIn(folder: string): Record<string, string> {
  const path = [join(folder, 'bin'), join(root, 'node_modules/.bin'), process.env['PATH'] ?? ''].join(delimiter)
  return { PATH: path, HOME: folder, LANG: 'C.UTF-8', GATEWAY_LOG_FORMAT: 'pretty' }
}
