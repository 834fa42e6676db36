// Makes a .wasm file of each source in WAT, beside it. `npm run wasm`; needs npm's registry.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { globSync } from 'tinyglobby'

/** The WebAssembly Binary Toolkit, https://github.com/WebAssembly/wabt; the same version writes the same bytes. */
const ASSEMBLER = 'wabt@1.0.39'

const root = join(import.meta.dirname, '../..')

for (const source of globSync('gateway/**/*.wat', { cwd: root, absolute: true })) {
  const target = source.replace(/\.wat$/, '.wasm')
  execFileSync('npx', ['--yes', `--package=${ASSEMBLER}`, 'wat2wasm', source, '-o', target], { stdio: 'inherit' })
  writeFileSync(target, Buffer.concat([readFileSync(target), sourceSection(readFileSync(source))]))
}

/** The last section, which WebAssembly ignores: the hash of the source, which `test/drift/wasm.test.ts` compares. */
function sourceSection(source: Buffer): Buffer {
  const name = Buffer.from('source')
  const content = Buffer.concat([Buffer.of(name.length), name, createHash('sha256').update(source).digest()])
  return Buffer.concat([Buffer.of(0, content.length), content])
}
