// Starts a fake vLLM as its own process: node test/fakes/fake-vllm-main.ts [--port 8000] [--model ID]… [--instant]
// or at a fixed rate, 16 pages at once and each in 1.5 seconds: --serve 16 --seconds 1.5
// or slower the more it has, one page alone in half a second: --serve 16 --seconds 1.5 --alone 0.5
// or all pages at once, which go on the slower the more they are beyond 16: --serve 16 --seconds 1.5 --takes-all
// each with `--every 5`, whose text goes on every five milliseconds
import { parseArgs } from 'node:util'
import { startFakeVllm } from './fake-vllm.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    model: { type: 'string', multiple: true, default: ['lightonai/LightOnOCR-2-1B'] },
    instant: { type: 'boolean', default: false },
    serve: { type: 'string' },
    seconds: { type: 'string', default: '1' },
    alone: { type: 'string' },
    every: { type: 'string' },
    'takes-all': { type: 'boolean', default: false },
  },
})
const fake = await startFakeVllm({
  port: Number(values.port),
  models: values.model,
  instant: values.instant,
  ...(values.serve === undefined ? {} : { service: readService(values.serve) }),
})
process.stdout.write(`fake vllm: ${fake.url}\n`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void fake.kill())

function readService(places: string) {
  const seconds = Number(values.seconds)
  return {
    places: Number(places),
    seconds,
    aloneSeconds: Number(values.alone ?? seconds),
    takesAll: values['takes-all'],
    ...(values.every === undefined ? {} : { everyMilliseconds: Number(values.every) }),
  }
}
