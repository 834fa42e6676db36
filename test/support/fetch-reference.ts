// `npm run web:reference`: fetches what renders /docs. It is committed, because its package would bring 280 others to everybody
// who installs the gateway, for one file that needs none of them.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The package, and what proves its bytes: the integrity that the registry says, and the hash of what is committed. */
export const reference = {
  package: '@scalar/api-reference@1.76.0',
  integrity: 'sha512-pjqwnzmA9YK3ZX+IZSICMsywm4qI6HLSngR2py9H6TvFApHHuJjkTAd+gFJfnqJDzJuro8k7ji6JCtJ2U+Byng==',
  sha256: '62c7a62d271d7d4958b4056f794d32c55b789b48ea248c3426537bcfc16b0d6e',
} as const

const target = join(import.meta.dirname, '../../gateway/web/static')

/** Where it is kept. */
export const referencePath = join(target, 'scalar.js')

export const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

if (import.meta.main) {
  const folder = mkdtempSync(join(tmpdir(), 'reference-'))
  try {
    const run = (command: string, ...args: string[]): string =>
      execFileSync(command, args, { cwd: folder, encoding: 'utf8' })
    const tarball = run('npm', 'pack', reference.package, '--silent').trim()
    const integrity = `sha512-${createHash('sha512')
      .update(readFileSync(join(folder, tarball)))
      .digest('base64')}`
    assert.equal(integrity, reference.integrity, `${reference.package} is not what it was`)
    run('tar', '-xzf', tarball)
    const script = readFileSync(join(folder, 'package/dist/browser/standalone.js'), 'utf8')
    // Its source map, of 20 MB, stays where it is.
    const kept = Buffer.from(script.replace(/\n\/\/# sourceMappingURL=\S+\s*$/, '\n'))
    writeFileSync(referencePath, kept)
    assert.equal(hashOf(kept), reference.sha256)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
