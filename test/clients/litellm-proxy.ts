import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { clientSnippets, snippetOf, type ClientDesk } from '../support/client-snippets.ts'
import { docsBlocks, markedWith } from '../support/docs-blocks.ts'
import { runScript, type Row } from './script.ts'

/** Where docs/clients.md says that the proxy is. */
const ADDRESS = 'http://127.0.0.1:4000'
const START_SECONDS = 120

/** Starts LiteLLM's proxy with the configuration of docs/clients.md, and runs what stands below it. */
export async function askProxy(venv: string, desk: ClientDesk, client: string): Promise<Row[]> {
  const [config] = clientSnippets('yaml').filter((snippet) => snippet.client === client)
  const snippets = docsBlocks('docs/clients.md')
    .filter((block) => markedWith(block, 'needs').includes('litellm'))
    .map(snippetOf)
  if (config === undefined || snippets.length === 0) throw new Error(`docs/clients.md has no code under "${client}"`)
  writeFileSync(join(desk.folder, 'config.yaml'), desk.addressed(config.code))
  const port = await freePort()
  const args = ['--config', 'config.yaml', '--host', '127.0.0.1', '--port', String(port)]
  const env = { ...process.env, LITELLM_LOG: 'ERROR', LITELLM_LOCAL_MODEL_COST_MAP: 'True' }
  const proxy = spawn(join(venv, 'bin/litellm'), args, { cwd: desk.folder, env, stdio: 'ignore' })
  const ended = once(proxy, 'close')
  try {
    const url = `http://127.0.0.1:${port}`
    await untilAlive(url, proxy)
    const rows: Row[] = []
    for (const { code, prints } of snippets) {
      const script = { name: `docs: ${client}`, code: code.replaceAll(ADDRESS, url), prints }
      rows.push(await runScript('sh', desk, script))
    }
    return rows
  } catch (error) {
    return [{ name: `docs: ${client}`, seconds: 0, problem: String(error) }]
  } finally {
    proxy.kill('SIGKILL')
    await ended
  }
}

async function untilAlive(url: string, proxy: ChildProcess): Promise<void> {
  const end = performance.now() + START_SECONDS * 1000
  while (performance.now() < end && proxy.exitCode === null) {
    const alive = await fetch(`${url}/health/liveliness`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (alive) return
    await sleep(500)
  }
  const { exitCode } = proxy
  throw new Error(
    `LiteLLM's proxy ${exitCode === null ? `does not answer in ${START_SECONDS} s` : `ended with ${exitCode}`}`,
  )
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
