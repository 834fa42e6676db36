// Starts a fake vLLM as its own process: node test/fakes/fake-vllm-main.ts [--port 8000] [--model ID]… [--instant]
import { parseArgs } from 'node:util'
import { startFakeVllm } from './fake-vllm.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    model: { type: 'string', multiple: true, default: ['lightonai/LightOnOCR-2-1B'] },
    instant: { type: 'boolean', default: false },
  },
})
const fake = await startFakeVllm({ port: Number(values.port), models: values.model, instant: values.instant })
process.stdout.write(`fake vllm: ${fake.url}\n`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void fake.kill())
