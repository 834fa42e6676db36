import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { readServerLoad } from '../../../gateway/wire/vllm-metrics.ts'

const recorded = readFileSync(join(import.meta.dirname, '../../fixtures/vllm-recordings/metric-names.txt'), 'utf8')

describe('what vLLM says of its work', () => {
  const rows = [
    {
      name: 'one engine',
      text: [
        '# HELP vllm:num_requests_running Number of requests in model execution batches.',
        '# TYPE vllm:num_requests_running gauge',
        'vllm:num_requests_running{engine="0",model_name="a/b"} 3.0',
        'vllm:num_requests_waiting{engine="0",model_name="a/b"} 2.0',
        'vllm:num_requests_waiting_by_reason{engine="0",model_name="a/b",reason="capacity"} 9.0',
        'vllm:kv_cache_usage_perc{engine="0",model_name="a/b"} 0.25',
        'vllm:num_preemptions_total{engine="0",model_name="a/b"} 4.0',
        'vllm:num_preemptions_created{engine="0",model_name="a/b"} 1.795799977953042e+09',
      ],
      load: { running: 3, waiting: 2, kvCacheUsage: 0.25, preemptions: 4 },
    },
    {
      name: 'several engines: sums, and the fullest cache',
      text: [
        'vllm:num_requests_running{engine="0"} 3',
        'vllm:num_requests_running{engine="1"} 4',
        'vllm:kv_cache_usage_perc{engine="0"} 0.25',
        'vllm:kv_cache_usage_perc{engine="1"} 0.5',
      ],
      load: { running: 7, waiting: null, kvCacheUsage: 0.5, preemptions: null },
    },
    {
      name: 'the names of older versions',
      text: ['vllm:gpu_cache_usage_perc{model_name="a"} 1.2e-01', 'vllm:num_preemptions{model_name="a"} 1'],
      load: { running: null, waiting: null, kvCacheUsage: 0.12, preemptions: 1 },
    },
    {
      name: 'numbers that are none',
      text: ['vllm:num_requests_running NaN', 'vllm:kv_cache_usage_perc -1'],
      load: null,
    },
    { name: 'another server', text: ['process_cpu_seconds_total 3', '<html>'], load: null },
  ]
  for (const { name, text, load } of rows)
    it(`is read: ${name}`, () => {
      assert.deepEqual(readServerLoad(`${text.join('\n')}\n`), load)
    })

  it('has the names that a real one was recorded with', () => {
    for (const name of [
      'num_requests_running',
      'num_requests_waiting',
      'kv_cache_usage_perc',
      'num_preemptions_total',
    ]) {
      assert.ok(recorded.split('\n').includes(`vllm:${name}`), name)
      assert.notEqual(readServerLoad(`vllm:${name}{engine="0"} 1\n`), null)
    }
  })
})
