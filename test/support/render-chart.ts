// `npm run chart`: checks the Helm chart and writes its rendered example. Needs helm and kubeconform.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const root = join(import.meta.dirname, '../..')
const folder = join(root, 'docs/operating/kubernetes')
const rendered = join(folder, 'rendered.yaml')
const chart = join(folder, 'chart')
const values = join(folder, 'example-values.yaml')

/** The hash of all that the example is rendered from: what stands in its first line is compared with it. */
export function chartHash(): string {
  const hash = createHash('sha256')
  const files = ['example-values.yaml', ...globSync('chart/**/*.{yaml,tpl,json,txt}', { cwd: folder }).toSorted()]
  for (const path of files) hash.update(`${path}\n${readFileSync(join(folder, path), 'utf8')}`)
  return hash.digest('hex')
}

/** What else has to come out valid, as flags of helm. */
const others: readonly (readonly string[])[] = [
  ['--set', 'gateway.existingSecret=keys'],
  ['--set', 'gateway.existingSecret=keys,gateway.metricsPort=9090,serviceMonitor.enabled=true,serviceMonitor.hasKey=true'], // prettier-ignore
  ['--set', 'gateway.existingSecret=keys,files.kind=local,gateway.replicas=1'],
  ['--set', 'gateway.existingSecret=keys,autoscaling.kind=hpa,ingress.enabled=true,gateway.filesSecret=files'],
  ['--set', 'gateway.existingSecret=keys,redis.enabled=false,vllm.enabled=false,vllm.upstreamUrls=http://router/v1'],
  ['--set', 'gateway.existingSecret=keys,vllm.autoscaling.enabled=true,vllm.models.hunyuan.enabled=true,vllm.models.hunyuan.accept=true'], // prettier-ignore
]

const helm = (...args: readonly string[]): string => execFileSync('helm', args, { encoding: 'utf8' })

function renderExample(): void {
  process.stdout.write(helm('lint', chart, '--strict', '--values', values))
  const text = helm('template', 'ocr', chart, '--namespace', 'ocr', '--values', values)
  const head = `# Rendered by \`npm run chart\` from chart/ and example-values.yaml. Do not edit. sha256 ${chartHash()}\n`
  writeFileSync(rendered, head + text)
}

/** Holds what other values render to the schemas of Kubernetes' own types. */
function checkOthers(): void {
  const schemas = mkdtempSync(join(tmpdir(), 'schemas-'))
  try {
    writeSchemas(schemas)
    const location = `${schemas}/{{ .ResourceKind }}{{ .KindSuffix }}.json`
    const flags = ['-strict', '-summary', '-skip', 'ScaledObject,ServiceMonitor', '-schema-location', location]
    const texts = [readFileSync(rendered, 'utf8'), ...others.map((args) => helm('template', 'ocr', chart, ...args))]
    for (const input of texts)
      process.stdout.write(execFileSync('kubeconform', [...flags, '-'], { input, encoding: 'utf8' }))
  } finally {
    rmSync(schemas, { recursive: true })
  }
}

function writeSchemas(target: string): void {
  const { kinds, $defs } = JSON.parse(readFileSync(join(root, 'test/fixtures/kubernetes-schemas.json'), 'utf8')) as {
    kinds: Record<string, object>
    $defs: object
  }
  for (const [name, schema] of Object.entries(kinds)) {
    const [kind = '', version = '', group] = name.split('/').toReversed()
    const suffix = [group?.split('.')[0], version].filter(Boolean).join('-')
    writeFileSync(join(target, `${kind.toLowerCase()}-${suffix}.json`), JSON.stringify({ ...schema, $defs }))
  }
}

/** Tells which of the programs are not there. */
function missingPrograms(): string[] {
  return ['helm', 'kubeconform'].filter((name) => spawnSync(name, ['-h']).error !== undefined)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const missing = missingPrograms()
  if (missing.length > 0) {
    process.stderr.write(
      `${missing.join(' and ')} must be in the PATH: https://helm.sh, https://github.com/yannh/kubeconform\n`,
    )
    process.exit(1)
  }
  renderExample()
  checkOthers()
}
