import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import { createMetrics } from '../../gateway/telemetry/metrics.ts'
import { startTestGateway } from '../support/start-gateway.ts'

const folder = join(import.meta.dirname, '../../docs/operating')
const read = (name: string): string => readFileSync(join(folder, name), 'utf8')

const rulesSchema = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^Ocr[A-Z]\w+$/),
          expr: z.string().min(1),
          for: z.string().regex(/^\d+[mh]$/),
          labels: z.strictObject({ severity: z.enum(['page', 'ticket']) }),
          annotations: z.strictObject({ summary: z.string().min(1), description: z.string().min(1) }),
        }),
      ),
    }),
  ),
})
const rules = rulesSchema.parse(parse(read('alerts.yml'))).groups.flatMap((group) => group.rules)

const dashboardSchema = z.object({
  panels: z.array(
    z.object({
      id: z.number(),
      title: z.string(),
      gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
      targets: z.array(z.object({ expr: z.string().min(1) })).default([]),
    }),
  ),
})
const { panels } = dashboardSchema.parse(JSON.parse(read('dashboard.json')))

const queries = [
  ...rules.map(({ alert, expr }) => ({ where: alert, expr })),
  ...panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ where: title, expr }))),
]

/** The metrics that a query names, with the labels that it asks for. */
function selectorsIn(expr: string): { readonly name: string; readonly labels: readonly string[] }[] {
  return [...expr.matchAll(/\b((?:ocr_gateway|nodejs|process)_\w+)(?:\{([^}]*)\})?/g)].map(
    ([, name = '', matchers = '']) => ({
      name,
      labels: [...matchers.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label = '']) => label),
    }),
  )
}

/** Prometheus adds the first two, and histograms have the last. */
const EVERYWHERE = ['job', 'instance', 'le']

describe('the dashboard and the alert rules', () => {
  /** By name, as a scrape has them. */
  const labelsOf = new Map<string, readonly string[]>()

  before(async () => {
    await using gateway = await startTestGateway()
    const text = await (await fetch(`${gateway.url}/metrics`)).text()
    const declared = new Map(
      createMetrics()
        .registry.getMetricsAsArray()
        .map((metric) => [metric.name, (metric as unknown as { labelNames: string[] }).labelNames]),
    )
    for (const [, name = '', type = ''] of text.matchAll(/^# TYPE (\S+) (\w+)$/gm)) {
      const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
      for (const suffix of suffixes) labelsOf.set(`${name}${suffix}`, declared.get(name) ?? [])
    }
  })

  it('ask for metrics and labels that a gateway has, and for nothing else', () => {
    assert.ok(queries.length > 60)
    const wrong = queries.flatMap(({ where, expr }) =>
      selectorsIn(expr).flatMap(({ name, labels }) => {
        const known = labelsOf.get(name)
        if (known === undefined) return [`${where}: ${name}`]
        const unknown = labels.filter((label) => ![...EVERYWHERE, ...known].includes(label))
        return unknown.map((label) => `${where}: ${name}{${label}}`)
      }),
    )
    assert.deepEqual(wrong, [])
    assert.deepEqual(
      queries.filter(({ expr }) => selectorsIn(expr).length === 0),
      [],
    )
  })

  it('try each rule', () => {
    const tried = read('alerts.test.yml')
    assert.deepEqual(
      rules.filter(({ alert }) => !tried.includes(`alertname="${alert}"`)).map(({ alert }) => alert),
      [],
    )
  })

  it('put no two panels in one place', () => {
    const taken = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    )
    assert.equal(new Set(taken).size, taken.length)
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  })
})
