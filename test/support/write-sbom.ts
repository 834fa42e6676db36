// `npm run sbom`: prints a list of all that the image and the package bring, as CycloneDX: what npm installs to run them, and
// what the gateway's pages are made of.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildWeb } from './build-web.ts'
import { reference } from './fetch-reference.ts'

interface Component {
  readonly 'bom-ref': string
  readonly name: string
  readonly version: string
}

/** A list of packages, as far as it is looked at here. */
export interface Sbom {
  readonly metadata: { readonly component: Component }
  readonly components: readonly Component[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]
}

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly dev?: boolean }>>
}

const root = join(import.meta.dirname, '../..')
const FOLDER = 'node_modules/'

if (import.meta.main) process.stdout.write(`${JSON.stringify(await sbom(), null, 2)}\n`)

/** Lists the packages that are needed to run, those that the pages' bundles hold, and the reference page's. */
export async function sbom(): Promise<Sbom> {
  const args = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx']
  const all = JSON.parse(execFileSync('npm', args, { cwd: root, encoding: 'utf8', maxBuffer: 1e8 })) as Sbom
  const bundled = await bundledPackages()
  const installed = installedPackages()
  const brought = all.components.filter(({ name, version }) => bundled.has(name) || installed.has(`${name} ${version}`))
  const components = [...brought, referencePackage()]
  const refs = new Set([all.metadata.component['bom-ref'], ...components.map((component) => component['bom-ref'])])
  const dependencies = all.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((needed) => refs.has(needed)) }))
  return { ...all, components, dependencies }
}

/** Names the packages that are installed to run, with their versions: `npm sbom --omit=dev` leaves out what tools need as well. */
function installedPackages(): ReadonlySet<string> {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lockfile
  const needed = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true)
  return new Set(
    needed.map(([path, { version }]) => `${path.slice(path.lastIndexOf(FOLDER) + FOLDER.length)} ${version}`),
  )
}

/** Names the packages whose code is in what runs in a browser. */
async function bundledPackages(): Promise<ReadonlySet<string>> {
  const folder = mkdtempSync(join(tmpdir(), 'sbom-'))
  try {
    const files = Object.keys((await buildWeb(folder)).inputs)
    return new Set(
      files.flatMap((file) => /node_modules\/(?<name>(?:@[^/]+\/)?[^/]+)\//.exec(file)?.groups?.['name'] ?? []),
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** What renders /docs: it is in no lockfile, as its file is committed. */
function referencePackage(): Component & Readonly<Record<string, unknown>> {
  const [, name = '', version = ''] = /^(.+)@([^@]+)$/.exec(reference.package) ?? []
  return {
    'bom-ref': reference.package,
    type: 'library',
    name,
    version,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    hashes: [{ alg: 'SHA-256', content: reference.sha256 }],
    licenses: [{ license: { id: 'MIT' } }],
  }
}
