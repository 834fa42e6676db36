// `npm run bench`: every benchmark but `dashboard` and `engine`, or those named: `npm run bench gateway`. Some have cases: `saturation:64`. Ends with 1
// when a bar was missed.
import { benchBatchKills } from './batch-kills.ts'
import { benchBatchSizes } from './batch-sizes.ts'
import { benchBounds } from './bounds.ts'
import { benchCached } from './cached.ts'
import { benchDashboard } from './dashboard.ts'
import { benchEngine } from './engine.ts'
import { benchFairness } from './fairness.ts'
import { benchGateway } from './gateway.ts'
import { benchLimits } from './limits.ts'
import { benchPassthrough } from './passthrough.ts'
import { benchPieces } from './pieces.ts'
import { benchPlayground } from './playground.ts'
import { benchRasterize } from './rasterize.ts'
import { benchRecall } from './recall.ts'
import { benchReplicas } from './replicas.ts'
import { benchSaturation } from './saturation.ts'

const benches: Readonly<Record<string, (only?: string) => Promise<boolean>>> = {
  'batch-kills': benchBatchKills,
  'batch-sizes': benchBatchSizes,
  bounds: benchBounds,
  cached: benchCached,
  dashboard: benchDashboard,
  engine: benchEngine,
  fairness: benchFairness,
  gateway: benchGateway,
  limits: benchLimits,
  passthrough: benchPassthrough,
  pieces: benchPieces,
  playground: benchPlayground,
  rasterize: benchRasterize,
  recall: benchRecall,
  replicas: benchReplicas,
  saturation: benchSaturation,
}

const wanted =
  process.argv.length > 2
    ? process.argv.slice(2)
    : Object.keys(benches).filter((name) => !['dashboard', 'engine'].includes(name))
for (const words of wanted) {
  const [name = '', only] = words.split(':')
  const bench = Object.hasOwn(benches, name) ? benches[name] : undefined
  if (bench === undefined)
    throw new Error(`there is no benchmark ${name}; the benchmarks: ${Object.keys(benches).join(', ')}`)
  process.stdout.write(`\n# ${words}\n`)
  if (!(await bench(only))) process.exitCode = 1
}
