import type { Histogram, Registry } from 'prom-client'

/** A histogram of Prometheus. prom-client's takes values one by one; this one takes as many equal ones at once as there are. */
export interface CountedHistogram<Label extends string> {
  observe(labels: Readonly<Record<Label, string>>, value: number, times: number): void
}

/** What a histogram is called, and how it is divided. */
export interface HistogramFacts<Label extends string> {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly Label[]
  /** The upper bounds of the buckets, the smallest first. */
  readonly buckets: readonly number[]
  readonly registers: readonly Registry[]
}

/** The values of one combination of labels. */
interface Series<Label extends string> {
  readonly labels: Readonly<Record<Label, string>>
  /** So many values are in each bucket; in the last one, those beyond all bounds. */
  readonly counts: number[]
  sum: number
}

/** Creates a histogram in these registers. */
export function createCountedHistogram<Label extends string>({
  registers,
  ...facts
}: HistogramFacts<Label>): CountedHistogram<Label> {
  const { name, labelNames, buckets } = facts
  const all = new Map<string, Series<Label>>()

  function seriesOf(labels: Readonly<Record<Label, string>>): Series<Label> {
    const key = labelNames.map((label) => labels[label]).join('\n')
    const known = all.get(key) ?? { labels, counts: [...buckets.map(() => 0), 0], sum: 0 }
    all.set(key, known)
    return known
  }

  function valuesOf({ labels, counts, sum }: Series<Label>) {
    let count = 0
    const bounds = [...buckets, '+Inf'].map((le, index) => {
      count += counts[index] ?? 0
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count }
    })
    return [
      ...bounds,
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ]
  }

  const described = { ...facts, type: 'histogram', aggregator: 'sum' }
  const metric = { ...described, get: async () => ({ ...described, values: [...all.values()].flatMap(valuesOf) }) }
  // Its types know no metrics but its own; it asks a metric for no more than this.
  for (const register of registers) register.registerMetric(metric as unknown as Histogram<Label>)

  return {
    observe(labels, value, times) {
      const series = seriesOf(labels)
      const bucket = buckets.findIndex((bound) => value <= bound)
      const index = bucket < 0 ? buckets.length : bucket
      series.counts[index] = (series.counts[index] ?? 0) + times
      series.sum += value * times
    },
  }
}
