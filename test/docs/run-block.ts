import { writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { isMarked, isOutput, markedWith, type DocsBlock } from '../support/docs-blocks.ts'
import type { Desk } from './desk.ts'
import { runScript, type ScriptEnd } from './run-script.ts'

const SECONDS = 240

/** How a language is run. */
const PROGRAMS: Readonly<Record<string, { readonly command: string; readonly ending: string }>> = {
  sh: { command: 'bash', ending: 'sh' },
  js: { command: process.execPath, ending: 'mjs' },
  ts: { command: process.execPath, ending: 'mts' },
}

/** Runs a block at a desk, and returns what is wrong with it, or null. */
export async function runBlock(block: DocsBlock, desk: Desk, python: string): Promise<string | null> {
  const isStarting = block.code.includes('npm start')
  // A gateway that the block starts itself is the one that it asks.
  const port = isStarting ? await freePort() : null
  const url = port === null ? desk.gatewayUrl : `http://127.0.0.1:${port}`
  const { command, ending } = PROGRAMS[block.language] ?? { command: python, ending: 'py' }
  const script = join(desk.folder, `block-${block.line}.${ending}`)
  writeFileSync(script, (block.language === 'sh' ? 'set -eo pipefail\n' : '') + placed(block.code, url, desk))
  const env = port === null ? desk.env : { ...desk.env, GATEWAY_PORT: String(port) }
  const [until] = markedWith(block, 'until')
  return problemOf(block, await runScript(command, [script], { cwd: desk.folder, env, seconds: SECONDS, until }))
}

/** Puts what is there in the place of what pages say. */
function placed(code: string, url: string, desk: Desk): string {
  return code
    .replaceAll(/http:\/\/(?:127\.0\.0\.1|gateway):8080/g, url)
    .replaceAll('http://vllm:8000/v1', desk.upstreamUrl)
    .replaceAll('npm ci &&', '')
}

function problemOf(block: DocsBlock, end: ScriptEnd): string | null {
  const said = `\n${end.stdout.slice(-2000)}\n${end.stderr.slice(-3000)}`
  if (end.isLate) return `It did not end within ${SECONDS} s.${said}`
  const text = end.stdout + end.stderr
  const missing = [...markedWith(block, 'prints'), ...markedWith(block, 'until')].filter((each) => !text.includes(each))
  if (missing.length > 0) return `It did not print ${missing.join(', ')}.${said}`
  if (!isMarked(block, 'until') && end.status !== 0) return `It ended with ${end.status}.${said}`
  if (block.output !== null && !isOutput(block.output, end.stdout))
    return `It did not print what the page says:\n${block.output}\nbut${said}`
  return null
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
