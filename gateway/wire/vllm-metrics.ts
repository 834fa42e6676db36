/** What a server says of its own work: all its engines together, and for the KV cache the fullest of them. */
export interface ServerLoad {
  readonly running: number | null
  readonly waiting: number | null
  /** 0 to 1. */
  readonly kvCacheUsage: number | null
  /** Since it was started. */
  readonly preemptions: number | null
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)

/** Returns what vLLM says on `GET /metrics`; null where it says none of it. Names differ by version. */
export function readServerLoad(text: string): ServerLoad | null {
  const values = new Map<string, number[]>()
  for (const [, name = '', value = ''] of text.matchAll(SAMPLE)) {
    const number = Number(value)
    if (Number.isFinite(number) && number >= 0) values.set(name, [...(values.get(name) ?? []), number])
  }
  if (values.size === 0) return null
  const of = (names: readonly string[], join: (values: readonly number[]) => number): number | null => {
    const found = names.map((name) => values.get(name)).find((some) => some !== undefined)
    return found === undefined ? null : join(found)
  }
  return {
    running: of(['num_requests_running'], sum),
    waiting: of(['num_requests_waiting'], sum),
    kvCacheUsage: of(['kv_cache_usage_perc', 'gpu_cache_usage_perc'], (usages) => Math.min(1, Math.max(...usages))),
    preemptions: of(['num_preemptions_total', 'num_preemptions'], sum),
  }
}

const SAMPLE =
  /^vllm:(num_requests_running|num_requests_waiting|kv_cache_usage_perc|gpu_cache_usage_perc|num_preemptions_total|num_preemptions)(?:\{[^\n]*\})? ([^\s]+)/gm
