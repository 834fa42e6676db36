import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FakeRequest } from '../fakes/fake-vllm-answer.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { encodePng } from '../fixtures/images.ts'
import { drawNumbered } from '../fixtures/printed-page.ts'
import { docsBlocks, isMarked, markedWith, type DocsBlock } from './docs-blocks.ts'
import { makePdf } from './make-pdf.ts'
import { startTestGateway, type TestGateway } from './start-gateway.ts'

const root = join(import.meta.dirname, '../..')

/** A piece of code of docs/clients.md. */
export interface Snippet {
  /** The heading that it stands under. */
  readonly client: string
  readonly language: string
  readonly code: string
  /** What it prints, at least. */
  readonly prints: readonly string[]
}

/** Where docs/clients.md says the gateway is, and with which key. */
const ADDRESS = 'http://127.0.0.1:8080'
const KEY = 'my-key'

/** Reads the code of docs/clients.md in a language, without what cannot be run here. */
export function clientSnippets(language: string): Snippet[] {
  return docsBlocks('docs/clients.md')
    .filter((block) => block.language === language && !isMarked(block, 'needs'))
    .map(snippetOf)
}

/** A block as a client's code, which reads the first page unless it says what it prints. */
export function snippetOf(block: DocsBlock): Snippet {
  const prints = markedWith(block, 'prints')
  const { heading: client, language, code } = block
  return { client, language, code, prints: prints.length > 0 ? prints : ['This is page 1.'] }
}

/** What the code of docs/clients.md needs: a gateway with a key, and files beside it. */
export interface ClientDesk extends AsyncDisposable {
  readonly gateway: TestGateway
  readonly fake: FakeVllm
  readonly apiKey: string
  /** The folder that the code is run in, with its files. */
  readonly folder: string
  /** Puts the gateway's address into text that has that of docs/clients.md. */
  readonly addressed: (text: string) => string
}

/** What the models answer beside the text of pages, by what they are asked. */
const ANSWERS: readonly (readonly [asked: string, answer: string])[] = [
  ["'total'", '{"date": "2026-11-27", "total": 7}'],
  ['Layout Detection', '<|box_start|>100 100 900 200<|box_end|><|ref_start|>text<|ref_end|><|rotate_up|>'],
  ['Text Recognition', 'Read with MinerU.'],
]

function answerTo({ body }: FakeRequest): string | undefined {
  const messages = JSON.stringify(body?.messages ?? [])
  return ANSWERS.find(([asked]) => messages.includes(asked))?.[1]
}

/** Starts a gateway in front of a fake vLLM that reads pages, extracts an invoice's date and total, and answers MinerU. */
export async function startClientDesk(settings: Readonly<Record<string, string>> = {}): Promise<ClientDesk> {
  const fake = await startFakeVllm({
    models: ['lightonai/LightOnOCR-2-1B', 'tencent/HunyuanOCR', 'opendatalab/MinerU2.5-2509-1.2B'],
    answer: answerTo,
  })
  const gateway = await startTestGateway({
    GATEWAY_UPSTREAM_URLS: fake.url,
    GATEWAY_API_KEYS: `clients:${KEY}`,
    ...settings,
  })
  const folder = mkdtempSync(join(tmpdir(), 'ocr-clients-'))
  writeFileSync(join(folder, 'scan.pdf'), makePdf([{ number: 1 }, { number: 2 }]))
  writeFileSync(join(folder, 'invoice.png'), await encodePng(drawNumbered(3)))
  writeFileSync(join(folder, 'photo.png'), await encodePng(drawNumbered(1)))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return {
    gateway,
    fake,
    apiKey: KEY,
    folder,
    addressed: (text) => text.replaceAll(ADDRESS, gateway.url),
    async [Symbol.asyncDispose]() {
      await gateway.stop()
      await fake.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** How a program ended, and what it wrote. */
export interface ProgramEnd {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program in a folder to its end. */
export async function runProgram(
  command: string,
  args: readonly string[],
  { cwd, env = {}, seconds = 60 }: { cwd: string; env?: Readonly<Record<string, string>>; seconds?: number },
): Promise<ProgramEnd> {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: seconds * 1000,
  })
  const closed = new Promise<number | null>((resolve, reject) => child.once('close', resolve).once('error', reject))
  const [stdout, stderr] = await Promise.all([textOf(child.stdout), textOf(child.stderr)])
  return { status: await closed, stdout, stderr }
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(stream)).toString()
}
