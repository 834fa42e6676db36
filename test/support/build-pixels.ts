// `npm run wasm`: compiles gateway/prepare/pixels.as to the pixels.wasm beside it.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const prepare = join(import.meta.dirname, '../../gateway/prepare')
/** The compiler is a hundred megabytes: it has a folder of its own, and is installed only to be used. */
const compiler = join(import.meta.dirname, 'wasm')
const OPTIONS = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd']
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

if (import.meta.main) writeFileSync(join(prepare, 'pixels.wasm'), await buildPixels())

/** Returns the hash of all that decides what the module's bytes are: the source, the compiler and its options. */
export function originOfPixels(): string {
  const parts = [source(), readFileSync(join(compiler, 'package-lock.json'), 'utf8'), ...OPTIONS]
  return createHash('sha256').update(parts.join('\n')).digest('hex')
}

/** Compiles the source, with the compiler of `test/support/wasm`; the same source gives the same bytes. */
export async function buildPixels(): Promise<Uint8Array> {
  const entry = join(compiler, 'node_modules/assemblyscript/dist/asc.js')
  const { default: asc } = (await import(pathToFileURL(entry).href)) as { readonly default: Compiler }
  const built: Uint8Array[] = []
  const { error, stderr } = await asc.main(['pixels.ts', '--outFile', 'pixels.wasm', ...OPTIONS], {
    readFile: (name) => (name === 'pixels.ts' ? source() : null),
    writeFile: (_, contents) => built.push(contents),
    listFiles: () => [],
  })
  if (error !== null) throw new Error(stderr.toString(), { cause: error })
  return Buffer.concat([...built, customSection(ORIGIN, originOfPixels())])
}

function source(): string {
  return readFileSync(join(prepare, 'pixels.as'), 'utf8')
}

/** See "Custom Section" in the specification of WebAssembly's binary format. */
function customSection(name: string, content: string): Uint8Array {
  const bytes = Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from(content)])
  // A length below 128 is one byte.
  return Buffer.concat([Buffer.from([0, bytes.length]), bytes])
}
