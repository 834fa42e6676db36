import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { parseEnv } from 'node:util'
import { parse } from 'yaml'
import { z } from 'zod'
import { loadConfig } from '../../gateway/config/load.ts'
import { variables } from '../../gateway/config/variables.ts'
import { chooseProfile } from '../../gateway/profile/profiles.ts'

// What this test looks at; compose itself reads much more.
const serviceSchema = z.object({
  image: z.string(),
  profiles: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  command: z.array(z.string()).default([]),
  ports: z.array(z.string()).optional(),
  networks: z.preprocess(
    (names) => (Array.isArray(names) ? Object.fromEntries(names.map((name) => [name, {}])) : names),
    z.record(z.string(), z.object({ aliases: z.array(z.string()).default([]) })),
  ),
  depends_on: z.record(z.string(), z.object({ condition: z.string(), required: z.boolean().optional() })).default({}),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  stop_grace_period: z.string().optional(),
})
const composeSchema = z.object({
  services: z.object({ gateway: serviceSchema, redis: serviceSchema, lighton: serviceSchema, hunyuan: serviceSchema }),
  networks: z.record(z.string(), z.object({ internal: z.boolean().default(false) })),
})

type Service = z.infer<typeof serviceSchema>
type Compose = z.infer<typeof composeSchema>
type Environment = Readonly<Record<string, string | undefined>>

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const readEnv = (path: string): Environment => parseEnv(read(path))

const defaults = readEnv('.env')
const gpus = ['.env', 'vllm/rtx4090.env', 'vllm/h100.env']
const keys = { GATEWAY_API_KEYS: 'me:correct-horse' }

/** Reads the compose file as `docker compose` would with this environment. */
const compose = (environment: Environment): Compose =>
  composeSchema.parse(interpolated(parse(read('docker-compose.yml'), { merge: true }), environment))

/** Fills in `${NAME:-default}` and `${NAME?error}`, in values alone and after reading them, so that they stay strings. */
function interpolated(value: unknown, environment: Environment): unknown {
  if (Array.isArray(value)) return value.map((item) => interpolated(item, environment))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, interpolated(item, environment)]))
  if (typeof value !== 'string') return value
  return value.replaceAll(/\$\{(\w+)(?:(:?[-?])([^}]*))?\}/g, (_, name: string, operator = '', word = '') => {
    const text = environment[name]
    if (text !== undefined && (text !== '' || !operator.startsWith(':'))) return text
    if (operator.endsWith('-')) return word
    throw new Error(`${name} ${word}`)
  })
}

const flag = ({ command }: Service, name: string): string | undefined => command[command.indexOf(name) + 1]

const networksOf = ({ networks }: Service): string[] => Object.keys(networks).toSorted()

/** Where serve-hunyuan.sh puts the weights: what vLLM then reports as `root`. */
const hunyuanRoot = /^model=(.+)$/m.exec(read('vllm/serve-hunyuan.sh'))?.[1] ?? ''

const profileOf = (weights: string, service: Service) =>
  chooseProfile({ root: weights, id: flag(service, '--served-model-name') ?? '', parent: null }, new Map())

describe('docker compose up', () => {
  const { services, networks } = compose({ ...defaults, ...keys })

  it('starts LightOnOCR by default, and HunyuanOCR only when it is asked for', () => {
    assert.equal(defaults['COMPOSE_PROFILES'], 'lighton')
    assert.deepEqual(services.lighton.profiles, ['lighton'])
    assert.deepEqual(services.hunyuan.profiles, ['hunyuan'])
    assert.equal(services.gateway.profiles, undefined)
    assert.equal(services.redis.profiles, undefined)
  })

  it('waits until the cache and the engine that was chosen are healthy', () => {
    for (const name of ['redis', 'lighton', 'hunyuan'] as const) {
      assert.equal(services.gateway.depends_on[name]?.condition, 'service_healthy')
      assert.ok(services[name].healthcheck, name)
    }
    assert.equal(services.gateway.depends_on['lighton']?.required, false)
    assert.equal(services.gateway.depends_on['hunyuan']?.required, false)
  })

  it('publishes the gateway on loopback and nothing else', () => {
    assert.deepEqual(services.gateway.ports, ['127.0.0.1:8080:8080'])
    for (const name of ['redis', 'lighton', 'hunyuan'] as const) assert.equal(services[name].ports, undefined, name)
  })

  it('lets nobody but the gateway reach the engines and the cache', () => {
    assert.equal(networks['engines']?.internal, true)
    assert.equal(networks['cache']?.internal, true)
    assert.deepEqual(networksOf(services.gateway), ['cache', 'edge', 'engines'])
    assert.deepEqual(networksOf(services.redis), ['cache'])
    // The engines' second network is their way to the weights; the gateway is not on it.
    assert.deepEqual(networksOf(services.lighton), ['engines', 'weights'])
    assert.deepEqual(networksOf(services.hunyuan), ['engines', 'weights'])
  })

  it('gives the gateway an address that each engine answers to', () => {
    const { hostname } = new URL(services.gateway.environment['GATEWAY_UPSTREAM_URLS'] ?? '')
    for (const { networks: joined } of [services.lighton, services.hunyuan])
      assert.ok(joined['engines']?.aliases.includes(hostname))
  })

  it('starts as it is, for this machine alone', () => {
    const { gateway } = compose(defaults).services
    assert.deepEqual(loadConfig(gateway.environment).problems, [])
    assert.match(defaults['PUBLISH_ADDRESS'] ?? '', /^127\.0\.0\.1:/)
  })

  it('is refused by the gateway without API keys where .env does not let it start without', () => {
    const { environment } = compose({ ...defaults, GATEWAY_ALLOW_ANONYMOUS: 'false' }).services.gateway
    assert.match(loadConfig(environment).problems.join('\n'), /GATEWAY_API_KEYS/)
    assert.match(loadConfig(compose({}).services.gateway.environment).problems.join('\n'), /GATEWAY_API_KEYS/)
  })

  for (const path of gpus)
    it(`gives the gateway settings that it accepts, with ${path}`, () => {
      const { gateway, lighton } = compose({ ...defaults, ...readEnv(path), ...keys }).services
      const { config, problems } = loadConfig(gateway.environment)
      assert.deepEqual(problems, [])
      assert.equal(String(config?.GATEWAY_UPSTREAM_CONCURRENCY), flag(lighton, '--max-num-seqs'))
    })

  it('kills the gateway later than the gateway gives up draining', () => {
    const { config } = loadConfig(services.gateway.environment)
    const grace = Number(services.gateway.stop_grace_period?.replace('s', ''))
    assert.ok(grace > (config?.GATEWAY_DRAIN_SECONDS ?? Infinity))
  })
})

describe('the engines that compose starts', () => {
  for (const path of gpus) {
    const { lighton, hunyuan } = compose({ ...defaults, ...readEnv(path), ...keys }).services

    it(`serves LightOnOCR-2 with the context that its profile counts on, with ${path}`, () => {
      const profile = profileOf(lighton.command[0] ?? '', lighton)
      assert.equal(profile?.id, 'lightonocr-2')
      assert.equal(flag(lighton, '--max-model-len'), String(profile.defaultMaxModelLen))
    })

    it(`serves HunyuanOCR 1.5 with room for the largest page and the longest answer, with ${path}`, () => {
      const profile = profileOf(hunyuanRoot, hunyuan)
      assert.equal(profile?.id, 'hunyuanocr-1.5')
      const edge = Math.sqrt(profile.pixelBudget.maxPixels)
      const needed = profile.imageTokens({ width: edge, height: edge }) + profile.maxOutputTokens + 500
      const length = Number(flag(hunyuan, '--max-model-len'))
      assert.ok(length >= needed && length <= profile.defaultMaxModelLen, `${length}`)
    })

    it(`takes every page in one piece, with ${path}`, () => {
      for (const [service, profileRoot] of [
        [lighton, 'lightonai/LightOnOCR-2-1B'],
        [hunyuan, hunyuanRoot],
      ] as const) {
        const profile = profileOf(profileRoot, service)
        const edge = Math.sqrt(profile?.pixelBudget.maxPixels ?? Infinity)
        const tokens = profile?.imageTokens({ width: edge, height: edge }) ?? Infinity
        assert.ok(Number(flag(service, '--max-num-batched-tokens')) >= tokens)
        assert.ok(Number(flag(service, '--gpu-memory-utilization')) < 1)
      }
    })
  }

  it('run with the flags that their authors name', () => {
    const { lighton, hunyuan } = compose({ ...defaults, ...keys }).services
    for (const service of [lighton, hunyuan]) {
      assert.equal(flag(service, '--mm-processor-cache-gb'), '0')
      assert.ok(service.command.includes('--no-enable-prefix-caching'))
      // One page, one request: with more images vLLM could mix pages up.
      assert.equal(
        z.object({ image: z.number() }).parse(JSON.parse(flag(service, '--limit-mm-per-prompt') ?? '')).image,
        1,
      )
    }
    assert.ok(hunyuan.command.includes('--trust-remote-code'))
  })

  it('are built from the versions that their image is named after', () => {
    const dockerfile = read('vllm/Dockerfile')
    const vllm = /^FROM vllm\/vllm-openai:(v[\d.]+)$/m.exec(dockerfile)?.[1]
    const transformers = /transformers==([\d.]+)/.exec(dockerfile)?.[1]
    const { lighton, hunyuan } = compose({ ...defaults, ...keys }).services
    for (const { image } of [lighton, hunyuan])
      assert.equal(image, `ocr-gateway/vllm:${vllm}-transformers${transformers}`)
  })
})

describe('HunyuanOCR', () => {
  const bin = mkdtempSync(join(tmpdir(), 'serve-hunyuan-'))
  after(() => rmSync(bin, { recursive: true }))
  for (const name of ['hf', 'vllm']) writeFileSync(join(bin, name), `#!/bin/sh\necho "${name} $*"\n`, { mode: 0o755 })

  const serve = (environment: Environment) =>
    spawnSync('sh', [new URL('vllm/serve-hunyuan.sh', root).pathname, '--max-model-len', '65536'], {
      env: { PATH: `${bin}:/usr/bin:/bin`, ...environment },
      encoding: 'utf8',
      timeout: 10_000,
    })

  it('does not start, and says why, until its licence was accepted', () => {
    assert.equal(compose({ ...defaults, ...keys }).services.hunyuan.environment['ACCEPT_HUNYUAN_LICENSE'], 'false')
    for (const environment of [{}, { ACCEPT_HUNYUAN_LICENSE: 'false' }, { ACCEPT_HUNYUAN_LICENSE: '1' }]) {
      const { status, stdout, stderr } = serve(environment)
      assert.equal(status, 1)
      assert.equal(stdout, '')
      assert.match(stderr, /European Union[^]*ACCEPT_HUNYUAN_LICENSE=true/)
    }
  })

  it('serves version 1.5 and not the folder of 1.0 beside it, once it was', () => {
    const { status, stdout } = serve({ ACCEPT_HUNYUAN_LICENSE: 'true', HUNYUAN_REVISION: 'abc' })
    assert.equal(status, 0)
    assert.deepEqual(stdout.trim().split('\n'), [
      `hf download tencent/HunyuanOCR --revision abc --exclude v1.0/* --local-dir ${hunyuanRoot}`,
      `vllm serve ${hunyuanRoot} --max-model-len 65536`,
    ])
  })
})

describe('the files that start the gateway', () => {
  const files = [
    'docker-compose.yml',
    '.env',
    'vllm/rtx4090.env',
    'vllm/h100.env',
    'gateway/Dockerfile',
    'vllm/README.md',
  ]
  for (const path of files)
    it(`name only settings that the gateway reads: ${path}`, () => {
      for (const [name] of read(path).matchAll(/\bGATEWAY_[A-Z_]+\b/g)) assert.ok(Object.hasOwn(variables, name), name)
    })

  it('agree on the sizes for 24 GB', () => {
    const { COMPOSE_PROFILES, PUBLISH_ADDRESS, GATEWAY_ALLOW_ANONYMOUS, ...sizes } = defaults
    assert.ok(COMPOSE_PROFILES && PUBLISH_ADDRESS && GATEWAY_ALLOW_ANONYMOUS)
    assert.deepEqual(sizes, { ...readEnv('vllm/rtx4090.env') })
    assert.deepEqual(compose(keys), compose({ ...sizes, ...keys }))
    assert.deepEqual(Object.keys(readEnv('vllm/h100.env')), Object.keys(sizes))
  })

  it('hold no secret', () => {
    for (const path of gpus) assert.doesNotMatch(read(path), /^\w*(?:KEYS?|TOKEN|PASSWORD)=/m)
  })

  it('run the Node that the package names', () => {
    const packageSchema = z.object({ optionalDependencies: z.record(z.string(), z.string()) })
    const { optionalDependencies } = packageSchema.parse(JSON.parse(read('package.json')))
    const versions = [...read('gateway/Dockerfile').matchAll(/^FROM node:([\d.]+)-/gm)].map(([, version]) => version)
    assert.ok(versions.length > 0)
    assert.deepEqual(new Set(versions), new Set(Object.values(optionalDependencies)))
  })

  it('copy into the image only what .dockerignore lets in', () => {
    const allowed = new Set(
      read('.dockerignore')
        .split('\n')
        .filter((line) => line.startsWith('!'))
        .map((line) => line.slice(1)),
    )
    const copied = [...read('gateway/Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths = '']) =>
      paths.split(' '),
    )
    assert.ok(copied.includes('gateway'))
    for (const path of copied) assert.ok(allowed.has(path), path)
  })
})
