import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
  entrypoint: z.array(z.string()).default([]),
  command: z.array(z.string()).default([]),
  ports: z.array(z.string()).optional(),
  volumes: z.array(z.string()).default([]),
  networks: z.preprocess(
    (names) => (Array.isArray(names) ? Object.fromEntries(names.map((name) => [name, {}])) : names),
    z.record(z.string(), z.object({ aliases: z.array(z.string()).default([]) })),
  ),
  depends_on: z.record(z.string(), z.object({ condition: z.string(), required: z.boolean().optional() })).default({}),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  stop_grace_period: z.string().optional(),
  read_only: z.boolean().default(false),
  tmpfs: z.array(z.string()).default([]),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  mem_limit: z.string().optional(),
  pids_limit: z.number().optional(),
})
const composeSchema = z.object({
  services: z.object({
    gateway: serviceSchema,
    'gateway-2': serviceSchema,
    proxy: serviceSchema,
    gotenberg: serviceSchema,
    prometheus: serviceSchema,
    grafana: serviceSchema,
    redis: serviceSchema,
    lighton: serviceSchema,
    hunyuan: serviceSchema,
    'lighton-weights': serviceSchema,
    'hunyuan-weights': serviceSchema,
  }),
  networks: z.record(
    z.string(),
    z.object({ internal: z.boolean().default(false), driver_opts: z.record(z.string(), z.string()).default({}) }),
  ),
  volumes: z.record(z.string(), z.object({})),
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

/** Where engine.sh puts the weights: what vLLM then reports as `root`. */
const rootOf = (folder: string): string => {
  const script = read('vllm/engine.sh')
  assert.ok(script.includes(`folder=$weights/${folder}\n`))
  return `${/^weights=(.+)$/m.exec(script)?.[1]}/${folder}`
}
const lightonRoot = rootOf('LightOnOCR-2-1B')
const hunyuanRoot = rootOf('HunyuanOCR')

const profileOf = (weights: string, service: Service) =>
  chooseProfile({ root: weights, id: flag(service, '--served-model-name') ?? '', parent: null }, new Map())

describe('docker compose up', () => {
  const { services, networks, volumes } = compose({ ...defaults, ...keys })

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

  it('keeps in Redis what must survive a restart, and lets pages alone make room', () => {
    const { redis } = services
    assert.equal(flag(redis, '--appendonly'), 'yes')
    assert.equal(flag(redis, '--maxmemory-policy'), 'volatile-lru')
    assert.deepEqual(redis.volumes, ['redis:/data'])
    assert.ok(volumes['redis'])
  })

  it('publishes the gateway on loopback and nothing else', () => {
    assert.deepEqual(services.gateway.ports, ['127.0.0.1:8080:8080'])
    for (const name of ['redis', 'lighton', 'hunyuan'] as const) assert.equal(services[name].ports, undefined, name)
  })

  it('lets nobody but the gateway reach the engines and the cache', () => {
    assert.equal(networks['engines']?.internal, true)
    assert.equal(networks['cache']?.internal, true)
    assert.deepEqual(networksOf(services.gateway), ['cache', 'converters', 'edge', 'engines', 'observed', 'replicas'])
    assert.deepEqual(networksOf(services.redis), ['cache'])
    assert.deepEqual(networksOf(services.lighton), ['engines'])
    assert.deepEqual(networksOf(services.hunyuan), ['engines'])
  })

  it('lets the gateway out nowhere, unless documents may be addresses', () => {
    const masquerades = (environment: Environment) =>
      compose({ ...defaults, ...keys, ...environment }).networks['edge']?.driver_opts['com.docker.network.bridge.enable_ip_masquerade'] // prettier-ignore
    assert.equal(masquerades({}), 'false')
    assert.equal(masquerades({ GATEWAY_ALLOW_URLS: 'true' }), 'true')
    for (const name of networksOf(services.gateway).filter((each) => each !== 'edge'))
      assert.equal(networks[name]?.internal, true, name)
  })

  for (const name of ['gateway', 'gateway-2', 'proxy', 'prometheus', 'grafana', 'redis'] as const)
    it(`gives it no right, a root that cannot be written, and a limit of memory and processes: ${name}`, () => {
      const { read_only: isReadOnly, cap_drop: dropped, security_opt: options, mem_limit: memory, pids_limit: pids } = services[name] // prettier-ignore
      assert.deepEqual([isReadOnly, dropped, options], [true, ['ALL'], ['no-new-privileges:true']])
      assert.match(memory ?? '', /^\d+[mg]$/)
      assert.ok((pids ?? 0) >= 64)
    })

  it('lets the gateway write where it has to', () => {
    const { environment, volumes: mounted, tmpfs } = services.gateway
    assert.equal(environment['GATEWAY_DATA_DIR'], undefined, 'the one of the Dockerfile')
    assert.match(read('gateway/Dockerfile'), /GATEWAY_DATA_DIR=\/data$/m)
    assert.deepEqual(mounted, ['data:/data'])
    assert.match(tmpfs.join(), /^\/tmp:/)
  })

  it('starts a second gateway that is as the first one, but published by a proxy alone', () => {
    const { gateway, 'gateway-2': second, proxy } = services
    assert.deepEqual([second.profiles, proxy.profiles], [['replicas'], ['replicas']])
    assert.deepEqual(second.environment, gateway.environment)
    assert.deepEqual([second.image, second.volumes], [gateway.image, gateway.volumes])
    assert.equal(second.ports, undefined)
    assert.ok(networksOf(second).every((name) => networks[name]?.internal === true))
    const configuration = read('docs/operating/compose/haproxy.cfg')
    for (const name of ['gateway', 'gateway-2']) {
      assert.equal(proxy.depends_on[name]?.condition, 'service_healthy')
      assert.ok(configuration.includes(`${name}:${gateway.environment['GATEWAY_PORT']}}"`), name)
    }
    const [, published] = /PROXY_PORT-(\d+)/.exec(configuration) ?? []
    assert.deepEqual(proxy.ports, [`127.0.0.1:${published}:${published}`])
    // Nothing that a gateway may have begun is asked again.
    assert.deepEqual([...configuration.matchAll(/^ *retry-on (.+)$/gm)].map(([, on]) => on), ['conn-failure']) // prettier-ignore
    assert.match(configuration, /^ *option httpchk GET \/ready$/m)
    assert.doesNotMatch(configuration, /http-buffer-request/)
  })

  it('starts Gotenberg only when it is asked for, without a browser, without a way out, and without a right', () => {
    const { gotenberg, gateway } = services
    assert.deepEqual(gotenberg.profiles, ['office'])
    assert.match(gotenberg.image, /^gotenberg\/gotenberg:8\.\d+\.\d+-libreoffice$/)
    assert.equal(gotenberg.ports, undefined)
    assert.deepEqual(networksOf(gotenberg), ['converters'])
    assert.equal(networks['converters']?.internal, true)
    const { environment, cap_drop: dropped, security_opt: options, mem_limit: memory, pids_limit: pids } = gotenberg
    for (const name of ['LIBREOFFICE_DENY_PRIVATE_IPS', 'LIBREOFFICE_DENY_PUBLIC_IPS', 'API_DISABLE_DOWNLOAD_FROM', 'WEBHOOK_DISABLE']) assert.equal(environment[name], 'true', name) // prettier-ignore
    assert.deepEqual([dropped, options], [['ALL'], ['no-new-privileges:true']])
    assert.ok(memory !== undefined && pids !== undefined)
    // Set by whoever asks for the profile: without it, Office documents are refused.
    assert.equal(gateway.environment['GATEWAY_GOTENBERG_URL'], '')
    const { environment: asked } = compose({ ...defaults, ...keys, GATEWAY_GOTENBERG_URL: 'http://gotenberg:3000' }).services.gateway // prettier-ignore
    assert.deepEqual(loadConfig(asked).problems, [])
  })

  it('looks at all gateways with Prometheus, and shows what it sees with Grafana', () => {
    const { prometheus, grafana } = services
    assert.deepEqual([prometheus.profiles, grafana.profiles], [['observe'], ['observe']])
    assert.equal(prometheus.ports, undefined)
    assert.match(grafana.ports?.join() ?? '', /^127\.0\.0\.1:/)
    const scraped = z
      .object({
        rule_files: z.array(z.string()),
        scrape_configs: z.array(
          z.object({ dns_sd_configs: z.array(z.object({ names: z.array(z.string()), port: z.number() })) }),
        ),
      }) // prettier-ignore
      .parse(parse(read('docs/operating/compose/prometheus.yml')))
    const found = scraped.scrape_configs.flatMap(({ dns_sd_configs: configs }) => configs)
    assert.deepEqual(found.map(({ names, port }) => [names, String(port)]), [[['gateway', 'gateway-2'], services.gateway.environment['GATEWAY_PORT']]]) // prettier-ignore
    for (const name of ['gateway', 'gateway-2'] as const) assert.ok(networksOf(services[name]).includes('observed'))
    for (const path of scraped.rule_files) assert.ok(prometheus.volumes.some((volume) => volume.includes(`:${path}:`)), path) // prettier-ignore
    assert.match(read('docs/operating/compose/datasource.yml'), /url: http:\/\/prometheus:9090$/m)
  })

  it('mounts files that there are', () => {
    const mounted = Object.values(services).flatMap(({ volumes: all }) =>
      all.filter((volume) => volume.startsWith('./')),
    )
    assert.ok(mounted.length >= 6)
    for (const volume of mounted) assert.ok(existsSync(new URL(volume.split(':')[0] ?? '', root)), volume)
  })

  for (const name of ['lighton', 'hunyuan'] as const) {
    it(`lets the engine out nowhere: the weights are fetched before it starts, by something that serves nobody: ${name}`, () => {
      const [engine, weights] = [services[name], services[`${name}-weights`]]
      assert.ok(networksOf(engine).every((network) => networks[network]?.internal === true))
      assert.equal(engine.environment['HF_HUB_OFFLINE'], '1')
      assert.equal(engine.environment['HF_TOKEN'], undefined)
      assert.deepEqual(engine.depends_on, { [`${name}-weights`]: { condition: 'service_completed_successfully' } })
      assert.deepEqual(engine.entrypoint, ['engine', 'serve', name])
      assert.deepEqual(weights.entrypoint, ['engine', 'fetch', name])
      assert.deepEqual([weights.profiles, weights.image], [engine.profiles, engine.image])
      // Nothing that anybody could ask is on the network that leads out.
      assert.deepEqual(networksOf(weights), ['weights'])
      assert.deepEqual(Object.keys(services).filter((other) => 'weights' in services[other as typeof name].networks).toSorted(), ['hunyuan-weights', 'lighton-weights']) // prettier-ignore
    })

    it(`lets the engine fetch no address that a request names: ${name}`, () => {
      // An empty list would allow all of them.
      assert.match(flag(services[name], '--allowed-media-domains') ?? '', /^[a-z]+\.invalid$/)
      assert.match(services[name].command[services[name].command.indexOf('--allowed-media-domains') + 2] ?? '', /^--/)
      assert.equal(services[name].environment['VLLM_MEDIA_URL_ALLOW_REDIRECTS'], '0')
      assert.ok(!services[name].command.includes('--allowed-local-media-path'))
    })
  }

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
      const profile = profileOf(lightonRoot, lighton)
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
        [lighton, lightonRoot],
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

describe('what fetches and serves weights', () => {
  const bin = mkdtempSync(join(tmpdir(), 'engine-'))
  after(() => rmSync(bin, { recursive: true }))
  // The image's folder of weights, beside programs that only say how they were called.
  const script = read('vllm/engine.sh').replace(/^weights=.*$/m, `weights=${bin}`)
  writeFileSync(join(bin, 'engine'), script, { mode: 0o755 })
  for (const name of ['hf', 'vllm'])
    writeFileSync(join(bin, name), `#!/bin/sh\necho "${name} $*"\n[ -z "$OFFLINE" ]\n`, { mode: 0o755 })

  const engine = (args: readonly string[], environment: Environment = {}) => {
    const env = { PATH: `${bin}:/usr/bin:/bin`, ...environment }
    const { status, stdout, stderr } = spawnSync('sh', [join(bin, 'engine'), ...args], {
      env,
      encoding: 'utf8',
      timeout: 10_000,
    })
    return { status, lines: stdout.trim().split('\n'), stderr }
  }

  for (const act of ['fetch', 'serve']) {
    it(`does not ${act} HunyuanOCR, and says why, until its licence was accepted`, () => {
      assert.equal(compose({ ...defaults, ...keys }).services.hunyuan.environment['ACCEPT_HUNYUAN_LICENSE'], 'false')
      for (const environment of [{}, { ACCEPT_HUNYUAN_LICENSE: 'false' }, { ACCEPT_HUNYUAN_LICENSE: '1' }]) {
        const { status, lines, stderr } = engine([act, 'hunyuan'], environment)
        assert.deepEqual([status, lines], [1, ['']])
        assert.match(stderr, /European Union[^]*ACCEPT_HUNYUAN_LICENSE=true/)
      }
    })
  }

  it('fetches version 1.5 and not the folder of 1.0 beside it, and serves what it fetched', () => {
    const accepted = { ACCEPT_HUNYUAN_LICENSE: 'true', HUNYUAN_REVISION: 'abc' }
    const folder = `${bin}/HunyuanOCR`
    assert.deepEqual(engine(['fetch', 'hunyuan'], accepted).lines, [
      `hf download tencent/HunyuanOCR --revision abc --exclude v1.0/* --local-dir ${folder}`,
    ])
    assert.deepEqual(engine(['serve', 'hunyuan', '--max-model-len', '65536'], accepted).lines, [
      `vllm serve ${folder} --max-model-len 65536`,
    ])
  })

  it('starts without the hub when the same revision was fetched before, and with no other', () => {
    const folder = `${bin}/LightOnOCR-2-1B`
    assert.equal(engine(['fetch', 'lighton'], { OFFLINE: '1' }).status, 1)
    assert.deepEqual(engine(['fetch', 'lighton']), {
      status: 0,
      lines: [`hf download lightonai/LightOnOCR-2-1B --revision main --local-dir ${folder}`],
      stderr: '',
    })
    assert.equal(engine(['fetch', 'lighton'], { OFFLINE: '1' }).status, 0)
    assert.equal(engine(['fetch', 'lighton'], { OFFLINE: '1', LIGHTON_REVISION: 'abc' }).status, 1)
  })

  it('says how it is called', () => {
    for (const args of [[], ['serve'], ['serve', 'other'], ['eat', 'lighton']])
      assert.match(engine(args).stderr, /^engine fetch\|serve/)
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
    'docs/operating/image.md',
    'docs/operating/kubernetes.md',
    'docs/operating/sizing.md',
    'docs/operating/kubernetes/chart/values.yaml',
    'docs/operating/kubernetes/chart/templates/gateway.yaml',
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
    const bases = [...read('gateway/Dockerfile').matchAll(/^FROM node:([\d.]+)-bookworm-slim@(sha256:[0-9a-f]{64})( AS \w+)?$/gm)] // prettier-ignore
    const versions = bases.map(([, version]) => version)
    assert.equal(bases.length, 2)
    assert.equal(new Set(bases.map(([, , digest]) => digest)).size, 1)
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
