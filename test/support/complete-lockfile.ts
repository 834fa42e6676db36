// `npm run lock`, after every `npm install`: adds to package-lock.json the platform packages that npm left out.
//
// npm writes an entry for an optional package only if the registry that was asked has it, and a mirror often holds no
// packages of other platforms. `npm ci` then refuses the whole lockfile, on every platform
// (https://github.com/npm/cli/issues/4828). An entry without integrity is enough for it: packages of this platform keep
// theirs.
import { readFileSync, writeFileSync } from 'node:fs'

interface LockEntry {
  readonly version?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const path = new URL('../../package-lock.json', import.meta.url)
const systems = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32']
const processors = ['arm', 'arm64', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64']

const lockfile: { packages: Record<string, LockEntry> } = JSON.parse(readFileSync(path, 'utf8'))
const missing = Object.entries(lockfile.packages).flatMap(([folder, { optionalDependencies = {} }]) =>
  Object.entries(optionalDependencies).filter(
    ([name]) =>
      !(`node_modules/${name}` in lockfile.packages) && !(`${folder}/node_modules/${name}` in lockfile.packages),
  ),
)
for (const [name, version] of missing) lockfile.packages[`node_modules/${name}`] = entryFor(name, version)
lockfile.packages = Object.fromEntries(Object.entries(lockfile.packages).toSorted(([a], [b]) => (a < b ? -1 : 1)))
writeFileSync(path, `${JSON.stringify(lockfile, null, 2)}\n`)
process.stdout.write(`package-lock.json: ${missing.length} platform packages added\n`)

/** What npm needs to know to leave a package out elsewhere; all of it stands in the package's name. */
function entryFor(name: string, version: string): LockEntry & Record<string, unknown> {
  const words = name.replace(/\bwin\b/, 'win32').split(/[-/]/)
  const find = (known: readonly string[]) => words.find((word) => known.includes(word))
  const [os, cpu] = [find(systems), find(processors)]
  const libc = words.some((word) => word.startsWith('musl'))
    ? 'musl'
    : words.some((word) => word.startsWith('gnu'))
      ? 'glibc'
      : null
  if (os === undefined) throw new Error(`${name} does not say which system it is for`)
  return {
    version: version.replace(/^[\^~]/, ''),
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(libc === null ? {} : { libc: [libc] }),
    optional: true,
    os: [os],
  }
}
