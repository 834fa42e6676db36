/** One line of `GET /metrics`. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Reads what a gateway says on `/metrics`. */
export async function readMetrics(gatewayUrl: string): Promise<readonly Sample[]> {
  const text = await (await fetch(`${gatewayUrl}/metrics`)).text()
  return [...text.matchAll(/^([a-z_]+)(?:\{(.*)\})? (\S+)$/gm)].map(([, name = '', labels = '', value = '']) => ({
    name,
    labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, text]) => [label, text])),
    value: Number(value),
  }))
}

/** Sums a metric over all its labels but one, whose values are the keys. */
export function sumBy(samples: readonly Sample[], name: string, label: string): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { labels, value } of samples.filter((sample) => sample.name === name)) {
    const key = labels[label] ?? ''
    sums[key] = (sums[key] ?? 0) + value
  }
  return sums
}

/** Returns the value of a metric without labels; NaN when there is none. */
export function valueOf(samples: readonly Sample[], name: string): number {
  return samples.find((sample) => sample.name === name)?.value ?? NaN
}
