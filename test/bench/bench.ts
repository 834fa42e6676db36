// `npm run bench`: every benchmark, or those named: `npm run bench gateway`. Ends with 1 when a bar was missed.
import { benchGateway } from './gateway.ts'
import { benchPassthrough } from './passthrough.ts'
import { benchRasterize } from './rasterize.ts'
import { benchRecall } from './recall.ts'

const benches: Readonly<Record<string, () => Promise<boolean>>> = {
  gateway: benchGateway,
  passthrough: benchPassthrough,
  rasterize: benchRasterize,
  recall: benchRecall,
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(benches)
for (const name of wanted) {
  const bench = Object.hasOwn(benches, name) ? benches[name] : undefined
  if (bench === undefined)
    throw new Error(`there is no benchmark ${name}; the benchmarks: ${Object.keys(benches).join(', ')}`)
  process.stdout.write(`\n# ${name}\n`)
  if (!(await bench())) process.exitCode = 1
}
