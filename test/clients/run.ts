// `npm run test:clients`: the Python of docs/clients.md, and the checks beside this file, in virtual environments that are
// made for them, against a gateway in front of a fake vLLM. Needs Python 3.10 or newer and a package index; not part of
// `npm test`. `--venvs DIR` keeps the environments there, and uses those that are.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { clientSnippets, startClientDesk, type ClientDesk } from '../support/client-snippets.ts'
import { install } from './environment.ts'
import { askProxy } from './litellm-proxy.ts'
import { runScript, table, type Row } from './script.ts'

/** Which packages are installed together: LiteLLM does not run with openai 3. */
const environments = [
  { requirements: 'requirements.txt', takes: (client: string) => client !== 'docling' && client !== 'MinerU' },
  { requirements: 'requirements-openai-3.txt', takes: (client: string) => client === 'openai (Python)' },
  { requirements: 'requirements-docling.txt', takes: (client: string) => client === 'docling' || client === 'MinerU' },
]

/** Scripts beside this file, and the clients that they are about. */
const checks: readonly (readonly [client: string, script: string])[] = [
  ['docling', 'check_docling.py'],
  ['openai (Python)', 'check_openai.py'],
  ['openai (Python)', 'check_openai_files.py'],
  ['LangChain (Python)', 'check_langchain.py'],
  ['LiteLLM', 'check_litellm.py'],
  ['Mistral SDK (Python)', 'check_mistral.py'],
]
const PROXY = 'LiteLLM proxy'

const { values } = parseArgs({ options: { venvs: { type: 'string' } } })
process.exitCode = await main()

async function main(): Promise<number> {
  const venvs = values.venvs ?? mkdtempSync(join(tmpdir(), 'ocr-clients-venvs-'))
  try {
    await using desk = await startClientDesk()
    const rows: Row[] = []
    for (const { requirements, takes } of environments) {
      const python = await install(join(venvs, requirements.replace('.txt', '')), requirements)
      rows.push(...(await askAll(python, desk, requirements, takes)))
    }
    const venv = join(venvs, 'requirements')
    rows.push(...(await askProxy(venv, desk, PROXY)))
    process.stdout.write(table(rows))
    return rows.every(({ problem }) => problem === null) ? 0 : 1
  } catch (error) {
    process.stderr.write(`test/clients/run.ts: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  } finally {
    if (values.venvs === undefined) rmSync(venvs, { recursive: true, force: true })
  }
}

/** Runs what docs/clients.md says for the clients of an environment, and the checks of these clients. */
async function askAll(
  python: string,
  desk: ClientDesk,
  requirements: string,
  takes: (client: string) => boolean,
): Promise<Row[]> {
  const snippets = clientSnippets('python').filter(({ client }) => takes(client))
  if (snippets.length === 0) throw new Error('docs/clients.md has no Python for these clients')
  const name = (what: string) => `${what}${takes('LiteLLM') ? '' : `, ${requirements}`}`
  const rows: Row[] = []
  for (const { client, code, prints } of snippets) {
    rows.push(await runScript(python, desk, { name: name(`docs: ${client}`), code: desk.addressed(code), prints }))
  }
  for (const [client, script] of checks) {
    if (takes(client))
      rows.push(await runScript(python, desk, { name: name(`check: ${client}`), script, prints: ['ok'] }))
  }
  return rows
}
