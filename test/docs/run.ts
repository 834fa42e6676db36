// `npm run test:docs`: runs the code of README.md, vllm/README.md and docs/ that its marks say is run, against gateways
// that are started for it. `npm run test:docs -- docs/files.md` runs one page; `--python PATH` names a Python that has the
// clients of docs/clients.md. docs/contributing.md says what the marks mean.
import { execFile } from 'node:child_process'
import { parseArgs, promisify } from 'node:util'
import { table, type Row } from '../clients/script.ts'
import { docsBlocks, docsPages, fateOf, markedWith, type DocsBlock } from '../support/docs-blocks.ts'
import { startDesks, type Desks } from './desk.ts'
import { runBlock } from './run-block.ts'

const { values, positionals } = parseArgs({ options: { python: { type: 'string' } }, allowPositionals: true })
const python = values.python ?? 'python3'
const run = promisify(execFile)
process.exitCode = await main()

async function main(): Promise<number> {
  const blocks = (positionals.length > 0 ? positionals : docsPages()).flatMap(docsBlocks)
  const counts = new Map<string, number>()
  const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1)
  const rows: Row[] = []
  await using desks = await startDesks()
  for (const block of blocks) {
    const skipped = await reasonToSkip(block)
    if (skipped !== null) count(skipped)
    else rows.push(await timed(block, desks))
  }
  const failed = rows.filter(({ problem }) => problem !== null).length
  const others = [...counts].map(([what, times]) => `${times} ${what}`)
  process.stdout.write(table(rows))
  process.stdout.write(`${[`${rows.length} blocks run`, `${failed} failed`, ...others].join(', ')}\n`)
  return failed === 0 && rows.length > 0 ? 0 : 1
}

async function timed(block: DocsBlock, desks: Desks): Promise<Row> {
  const start = performance.now()
  const problem = await runBlock(block, desks.of(block), python)
  return { name: `${block.page}:${block.line}`, seconds: (performance.now() - start) / 1000, problem }
}

/** Returns why a block is not run, or null. */
async function reasonToSkip(block: DocsBlock): Promise<string | null> {
  const fate = fateOf(block)
  if (fate === 'skipped') return `need ${markedWith(block, 'needs').join(' and ')}`
  if (fate === 'checked') return 'are data or pieces, which npm test checks'
  if (fate === 'forgotten') throw new Error(`${block.page}:${block.line} does not say how it is run`)
  const missing = block.language === 'python' ? await missingModules(block.code) : null
  return missing === null ? null : `need Python packages that are not there (${missing}): npm run test:clients`
}

/** Returns which modules of a Python program are not there, or null. */
async function missingModules(code: string): Promise<string | null> {
  const names = [...code.matchAll(/^(?:from|import) (\w+)/gm)].map(([, name = '']) => name)
  const program = `import importlib.util, sys\nprint(",".join(n for n in sys.argv[1:] if importlib.util.find_spec(n) is None))`
  try {
    const { stdout } = await run(python, ['-c', program, ...new Set(names)])
    return stdout.trim() === '' ? null : stdout.trim()
  } catch {
    return 'Python'
  }
}
