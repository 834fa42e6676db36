// `npm run wasm`: compiles each .as file, which is AssemblyScript, to the .wasm file beside it.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { globSync } from 'tinyglobby'

const root = join(import.meta.dirname, '../..')
/** The compiler is a hundred megabytes: it has a folder of its own, and is installed only to be used. */
const compiler = join(import.meta.dirname, 'wasm')
const OPTIONS = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd']
/** Sources that work in the memory of another module. */
const IN_ANOTHER_MEMORY = new Set(['gateway/rasterizer/pdfium/pixels.as', 'gateway/rasterizer/pdfium/paint.as'])
/** The custom section that says what a module was made from. */
const ORIGIN = 'origin'

interface Compiler {
  main(
    args: readonly string[],
    files: {
      readonly readFile: (name: string) => string | null
      readonly writeFile: (name: string, contents: Uint8Array) => void
      readonly listFiles: () => readonly string[]
    },
  ): Promise<{ readonly error: Error | null; readonly stderr: { toString(): string } }>
}

/** Sources, by their path from the root. */
export const wasmSources: readonly string[] = globSync('gateway/**/*.as', { cwd: root }).toSorted()

/** Returns where the module of a source is. */
export function madeOf(source: string): string {
  return join(root, source.replace(/\.as$/, '.wasm'))
}

/** Returns the hash of all that decides what a module's bytes are: the source, the compiler and its options. */
export function originOf(source: string): string {
  const parts = [textOf(source), readFileSync(join(compiler, 'package-lock.json'), 'utf8'), ...optionsFor(source)]
  return createHash('sha256').update(parts.join('\n')).digest('hex')
}

/** Compiles a source, with the compiler of `test/support/wasm`; the same source gives the same bytes. */
export async function buildWasm(source: string): Promise<Uint8Array> {
  const entry = join(compiler, 'node_modules/assemblyscript/dist/asc.js')
  const { default: asc } = (await import(pathToFileURL(entry).href)) as { readonly default: Compiler }
  const built: Uint8Array[] = []
  const { error, stderr } = await asc.main(['source.ts', '--outFile', 'made.wasm', ...optionsFor(source)], {
    readFile: (name) => (name === 'source.ts' ? textOf(source) : null),
    writeFile: (_, contents) => built.push(contents),
    listFiles: () => [],
  })
  if (error !== null) throw new Error(`${source}: ${stderr.toString()}`, { cause: error })
  return Buffer.concat([...built, customSection(ORIGIN, originOf(source))])
}

const textOf = (source: string): string => readFileSync(join(root, source), 'utf8')
const optionsFor = (source: string) => (IN_ANOTHER_MEMORY.has(source) ? [...OPTIONS, '--importMemory'] : OPTIONS)

/** See "Custom Section" in the specification of WebAssembly's binary format. */
function customSection(name: string, content: string): Uint8Array {
  const bytes = Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from(content)])
  // A length below 128 is one byte.
  return Buffer.concat([Buffer.from([0, bytes.length]), bytes])
}

if (import.meta.main) for (const source of wasmSources) writeFileSync(madeOf(source), await buildWasm(source))
