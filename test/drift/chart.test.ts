import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { loadConfig } from '../../gateway/config/load.ts'
import { variables } from '../../gateway/config/variables.ts'
import { chartHash } from '../support/render-chart.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

const probe = z.object({
  httpGet: z.object({ path: z.string(), port: z.string() }).optional(),
  periodSeconds: z.number(),
  failureThreshold: z.number().optional(),
})

// What this test looks at; the schemas of Kubernetes' own types look at the rest.
const containerSchema = z.object({
  name: z.string(),
  image: z.string(),
  command: z.array(z.string()).default([]),
  args: z.array(z.string()).default([]),
  env: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
  envFrom: z.array(z.object({ secretRef: z.object({ name: z.string() }) })).default([]),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
  resources: z.object({ limits: z.record(z.string(), z.union([z.string(), z.number()])) }).optional(),
  securityContext: z.object({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.boolean().optional(),
    capabilities: z.object({ drop: z.tuple([z.literal('ALL')]) }),
  }),
  startupProbe: probe.optional(),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
  volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })).default([]),
})
const podSchema = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()) }),
  spec: z.object({
    enableServiceLinks: z.boolean().optional(),
    automountServiceAccountToken: z.literal(false),
    terminationGracePeriodSeconds: z.number().optional(),
    securityContext: z.object({
      runAsNonRoot: z.boolean().optional(),
      seccompProfile: z.object({ type: z.literal('RuntimeDefault') }),
    }),
    initContainers: z.array(containerSchema).default([]),
    containers: z.tuple([containerSchema]),
    volumes: z.array(z.object({ name: z.string() })).default([]),
  }),
})
const objectSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.object({ name: z.string(), labels: z.record(z.string(), z.string()) }),
})
const workloadSchema = objectSchema.extend({
  spec: z.object({
    serviceName: z.string().optional(),
    selector: z.object({ matchLabels: z.record(z.string(), z.string()) }).optional(),
    template: podSchema,
    volumeClaimTemplates: z.array(z.object({ metadata: z.object({ name: z.string() }) })).default([]),
  }),
})
const selector = z.object({ matchLabels: z.record(z.string(), z.string()) })
const policySchema = objectSchema.extend({
  spec: z.object({
    podSelector: selector,
    policyTypes: z.array(z.string()),
    ingress: z.array(z.object({ from: z.array(z.object({ podSelector: selector.optional() })).default([]) })),
    egress: z.array(z.object({ ports: z.array(z.object({ port: z.number() })).default([]) })),
  }),
})

const text = read('docs/operating/kubernetes/rendered.yaml')
const documents = parseAllDocuments(text)
const objects = documents.map((document) => objectSchema.loose().parse(document.toJS()))

function find<Schema extends z.ZodType>(schema: Schema, kind: string, name: string): z.infer<Schema> {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name)
  assert.ok(found, `there is no ${kind} ${name}`)
  return schema.parse(found)
}

const deployment = find(workloadSchema, 'Deployment', 'ocr')
const redis = find(workloadSchema, 'StatefulSet', 'ocr-redis')
const vllm = find(workloadSchema, 'StatefulSet', 'ocr-lighton')
const weights = workloadSchema.parse(objects.find(({ kind }) => kind === 'Job'))
const [gateway] = deployment.spec.template.spec.containers
const [redisContainer] = redis.spec.template.spec.containers
const [engine] = vllm.spec.template.spec.containers
const [fetching] = weights.spec.template.spec.containers
const settings = Object.fromEntries(gateway.env.map(({ name, value }) => [name, value]))

/** compose's service of the same name, read without its variables. */
const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      command: z.array(z.string()).default([]),
      entrypoint: z.array(z.string()).default([]),
      environment: z.record(z.string(), z.string()).default({}),
    }),
  ),
})
const { services } = composeSchema.parse(parse(read('docker-compose.yml'), { merge: true }))

const flag = (args: readonly string[], name: string): string | undefined => args[args.indexOf(name) + 1]

/** Flags whose values compose takes from a file for the GPU; the chart has those of vllm/h100.env. */
const sized = ['--gpu-memory-utilization', '--max-num-seqs', '--max-num-batched-tokens']

describe('the rendered chart', () => {
  it('is fresh', () => {
    assert.ok(text.startsWith('# Rendered by'), 'it is not rendered by `npm run chart`')
    assert.equal(/sha256 (\w+)/.exec(text)?.[1], chartHash(), 'run `npm run chart`')
    assert.deepEqual(documents.flatMap(({ errors }) => errors), []) // prettier-ignore
  })

  const schemas = JSON.parse(read('test/fixtures/kubernetes-schemas.json')) as {
    kinds: Record<string, object>
    $defs: object
  }
  for (const { apiVersion, kind, metadata } of objects.filter(
    ({ kind }) => !['ScaledObject', 'ServiceMonitor'].includes(kind),
  ))
    it(`has the fields that Kubernetes knows, and no other: ${kind} ${metadata.name}`, () => {
      const schema = z.fromJSONSchema({ ...schemas.kinds[`${apiVersion}/${kind}`], $defs: schemas.$defs } as never)
      const object = objects.find((each) => each.kind === kind && each.metadata.name === metadata.name)
      assert.equal(schema.safeParse(object).error, undefined)
      assert.equal(schema.safeParse({ ...object, spce: {} }).success, false)
    })

  it('would be refused with a field that a container does not have', () => {
    const schema = z.fromJSONSchema({ ...schemas.kinds['apps/v1/Deployment'], $defs: schemas.$defs } as never)
    const mistaken = objects.find(({ kind }) => kind === 'Deployment')
    const text = JSON.stringify(mistaken).replace('"imagePullPolicy"', '"imagePulPolicy"')
    assert.match(String(schema.safeParse(JSON.parse(text)).error), /imagePulPolicy/)
  })

  it('scales gateways with the fields that KEDA knows, by metrics that there are', () => {
    const trigger = z.discriminatedUnion('type', [
      z.strictObject({
        type: z.literal('cpu'),
        metricType: z.string(),
        metadata: z.strictObject({ value: z.string() }),
      }),
      z.strictObject({
        type: z.literal('prometheus'),
        metadata: z.strictObject({ serverAddress: z.string(), threshold: z.string(), query: z.string() }),
      }),
    ])
    const spec = z.strictObject({
      scaleTargetRef: z.strictObject({ name: z.literal(deployment.metadata.name) }),
      minReplicaCount: z.number(),
      maxReplicaCount: z.number(),
      pollingInterval: z.number(),
      cooldownPeriod: z.number(),
      triggers: z.array(trigger),
    })
    find(objectSchema.extend({ apiVersion: z.literal('keda.sh/v1alpha1'), spec }), 'ScaledObject', 'ocr')
    const metrics = read('docs/metrics.md')
    const named = `${text}${read('docs/operating/kubernetes/chart/templates/autoscaling.yaml')}`.matchAll(
      /\bocr_gateway_\w+/g,
    )
    for (const [name] of named) assert.ok(metrics.includes(`\`${name}\``), name)
  })

  it('gives the gateway settings that it accepts', () => {
    const { config, problems } = loadConfig({ ...settings, GATEWAY_API_KEYS: 'me:correct-horse' })
    assert.deepEqual(problems, [])
    assert.equal(String(config?.GATEWAY_UPSTREAM_CONCURRENCY), flag(engine.args, '--max-num-seqs'))
    for (const name of Object.keys(settings).filter((each) => each.startsWith('GATEWAY_')))
      assert.ok(Object.hasOwn(variables, name), name)
  })

  it('takes keys from a Secret alone', () => {
    assert.deepEqual(gateway.envFrom, [{ secretRef: { name: 'ocr-gateway' } }])
    assert.doesNotMatch(text, /API_KEYS|SECRET_ACCESS_KEY|HF_TOKEN/)
  })

  it('gives the gateway an address of each engine', () => {
    const urls = settings['GATEWAY_UPSTREAM_URLS']?.split(',').map((url) => new URL(url)) ?? []
    assert.equal(urls.length, 3)
    for (const [index, { hostname, port, pathname }] of urls.entries()) {
      assert.equal(hostname, `${vllm.metadata.name}-${index}.${vllm.spec.serviceName}`)
      assert.deepEqual([port, pathname], [String(engine.ports[0]?.containerPort), '/v1'])
    }
  })

  it('asks whether gateways live and are ready where they say it, and whether engines do', () => {
    const source = read('gateway/app.ts')
    for (const each of [gateway.startupProbe, gateway.livenessProbe, gateway.readinessProbe])
      assert.ok(source.includes(`app.get('${each?.httpGet?.path}'`), each?.httpGet?.path)
    assert.equal(gateway.livenessProbe?.httpGet?.path, '/health')
    assert.equal(gateway.readinessProbe?.httpGet?.path, '/ready')
    for (const each of [engine.startupProbe, engine.livenessProbe, engine.readinessProbe])
      assert.equal(each?.httpGet?.path, '/health')
    for (const { httpGet } of [gateway, engine]
      .flatMap((each) => [each.startupProbe, each.livenessProbe, each.readinessProbe])
      .filter((each) => each !== undefined))
      // prettier-ignore
      assert.equal(httpGet?.port, 'http')
    assert.deepEqual(
      [gateway.ports[0]?.name, String(gateway.ports[0]?.containerPort)],
      ['http', settings['GATEWAY_PORT']],
    )
    // The first start compiles: half an hour, as compose lets it have.
    assert.ok((engine.startupProbe?.periodSeconds ?? 0) * (engine.startupProbe?.failureThreshold ?? 0) >= 1800)
  })

  it('ends a gateway later than it gives up draining', () => {
    const grace = deployment.spec.template.spec.terminationGracePeriodSeconds ?? 0
    assert.ok(grace >= Number(settings['GATEWAY_DRAIN_SECONDS']) + 10)
    assert.equal(deployment.spec.template.spec.enableServiceLinks, false)
  })

  it('lets nobody but gateways reach engines and Redis, and these reach nobody', () => {
    for (const [name, pod] of [
      ['ocr-engines', vllm],
      ['ocr-redis', redis],
    ] as const) {
      // prettier-ignore
      const { podSelector, policyTypes, ingress, egress } = find(policySchema, 'NetworkPolicy', name).spec
      const labels = pod.spec.template.metadata.labels
      assert.deepEqual(policyTypes, ['Ingress', 'Egress'])
      for (const [key, value] of Object.entries(podSelector.matchLabels)) assert.equal(labels[key], value, key)
      assert.deepEqual(egress, [])
      assert.deepEqual(ingress.flatMap(({ from }) => from), [{ podSelector: deployment.spec.selector }]) // prettier-ignore
    }
  })

  it('lets what fetches weights out, and nobody in', () => {
    const { podSelector, ingress, egress } = find(policySchema, 'NetworkPolicy', 'ocr-weights').spec
    for (const [key, value] of Object.entries(podSelector.matchLabels))
      assert.equal(weights.spec.template.metadata.labels[key], value, key)
    assert.deepEqual(ingress, [])
    assert.deepEqual(new Set(egress.flatMap(({ ports }) => ports.map(({ port }) => port))), new Set([53, 443]))
  })

  it('runs gateways and Redis as somebody, with a root that cannot be written', () => {
    for (const { spec } of [deployment, redis]) assert.equal(spec.template.spec.securityContext.runAsNonRoot, true)
    for (const container of [gateway, redisContainer])
      assert.equal(container.securityContext.readOnlyRootFilesystem, true)
    assert.deepEqual(gateway.volumeMounts.map(({ mountPath }) => mountPath), ['/data', '/tmp']) // prettier-ignore
    assert.equal(settings['GATEWAY_DATA_DIR'], '/data')
  })

  it('mounts volumes that there are, and limits the memory of everything', () => {
    for (const { spec } of [deployment, redis, vllm, weights]) {
      const { volumes, containers, initContainers } = spec.template.spec
      const names = [...volumes, ...spec.volumeClaimTemplates.map(({ metadata }) => metadata)].map(({ name }) => name)
      for (const { name } of [...containers, ...initContainers].flatMap(({ volumeMounts }) => volumeMounts))
        assert.ok(names.includes(name), name)
      assert.ok(containers[0].resources?.limits['memory'])
    }
    assert.equal(engine.resources?.limits['nvidia.com/gpu'], 1)
  })
})

describe('the values of the chart', () => {
  const schema = z.fromJSONSchema(JSON.parse(read('docs/operating/kubernetes/chart/values.schema.json')) as never)
  const values = parse(read('docs/operating/kubernetes/chart/values.yaml')) as Record<string, object>

  it('are as their schema says, which refuses a name that it does not know', () => {
    assert.equal(schema.safeParse(values).error, undefined)
    assert.equal(schema.safeParse(parse(read('docs/operating/kubernetes/example-values.yaml'))).error, undefined)
    assert.equal(schema.safeParse({ ...values, gateway: { ...values['gateway'], replica: 3 } }).success, false)
    assert.equal(schema.safeParse({ ...values, files: { ...values['files'], kind: 'nfs' } }).success, false)
  })
})

describe('the chart and docker-compose.yml', () => {
  it('run the same images', () => {
    assert.equal(redisContainer.image, services['redis']?.image)
    for (const { image } of [engine, fetching, ...vllm.spec.template.spec.initContainers])
      assert.equal(image, services['lighton']?.image)
    assert.equal(gateway.image.split(':')[0], services['gateway']?.image)
  })

  it('give Redis the same flags', () => {
    const flags = (args: readonly string[]) => args.filter((each, index) => each !== '--maxmemory' && args[index - 1] !== '--maxmemory') // prettier-ignore
    assert.deepEqual(flags(redisContainer.args), [...flags(services['redis']?.command ?? []), '--dir', '/data'])
  })

  const values = z
    .object({ vllm: z.object({ models: z.record(z.string(), z.object({ args: z.array(z.string()) })) }) })
    .parse(parse(read('docs/operating/kubernetes/chart/values.yaml')))
  for (const model of ['lighton', 'hunyuan'])
    it(`give the engine the same flags: ${model}`, () => {
      const withoutSizes = (args: readonly string[]) =>
        args.filter((each, index) => ![each, args[index - 1] ?? ''].some((name) => sized.includes(name)))
      const expected = withoutSizes(services[model]?.command ?? [])
      // compose takes it from the environment: that of vllm/h100.env.
      const length = expected.indexOf('--max-model-len') + 1
      if (model === 'hunyuan')
        expected[length] = /^HUNYUAN_MAX_MODEL_LEN=(\d+)$/m.exec(read('vllm/h100.env'))?.[1] ?? ''
      assert.deepEqual(values.vllm.models[model]?.args, expected)
    })

  it('give the engine the sizes of vllm/h100.env', () => {
    const sizes = read('vllm/h100.env')
    for (const name of sized) {
      const variable = `ENGINE${name.replace(/^-/, '').replaceAll('-', '_').toUpperCase()}`
      assert.equal(flag(engine.args, name), new RegExp(`^${variable}=(.+)$`, 'm').exec(sizes)?.[1], variable)
    }
  })

  it('let the engine out nowhere, and fetch weights in the same way', () => {
    assert.deepEqual([fetching.command, engine.command], [['engine', 'fetch', 'lighton'], ['engine', 'serve', 'lighton']]) // prettier-ignore
    const environment = Object.fromEntries(engine.env.map(({ name, value }) => [name, value]))
    assert.deepEqual(environment, services['lighton']?.environment)
    const { initContainers } = vllm.spec.template.spec
    // vllm/engine.sh writes the mark beside the folder of the weights.
    const [, mark] = /cat (\S+)\)/.exec(initContainers[0]?.command.at(-1) ?? '') ?? []
    const script = read('vllm/engine.sh')
    const weightsFolder = /^weights=(.+)$/m.exec(script)?.[1]
    assert.ok(script.includes('folder=$weights/LightOnOCR-2-1B\n') && script.includes('mark=$folder.fetched\n'))
    assert.equal(mark, `${weightsFolder}/LightOnOCR-2-1B.fetched`)
    assert.ok(engine.volumeMounts.some(({ mountPath }) => mountPath === weightsFolder))
  })
})
