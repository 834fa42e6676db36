// A process of its own that takes one line of a batch, and ends it when it is told to: node batch-queue-process.ts URL LOCK_MS
import { once } from 'node:events'
import { createBullQueue } from '../../gateway/batch/bull-queue.ts'
import { createRedisBatchStore } from '../../gateway/batch/redis-store.ts'
import { createSharedRedis } from '../../gateway/store/redis.ts'
import { eventually } from './within.ts'

const [url = '', lockMs = ''] = process.argv.slice(2)
const shared = createSharedRedis({ url })
const store = createRedisBatchStore(shared)
const unended = async function* () {}
const queue = createBullQueue({ shared, lines: 4, unended, onError: () => {}, lockMs: Number(lockMs) })
let claimed = await queue.claim()
await eventually(async () => (claimed ??= await queue.claim()) !== null, 20_000, 'a line')
const { task, lost } = claimed!
process.stdout.write(`claimed ${task.batch}\n`)
await once(process.stdin, 'data')
const usage = { inputTokens: 1, cachedTokens: 0, outputTokens: 1 }
if (task.kind === 'line') await store.endLines(task.batch, new Map([[task.line, { outcome: 'completed', usage }]]))
await claimed!.done()
await eventually(() => lost.aborted, 5_000, 'it is told that the line is lost')
await queue.close()
await shared.close()
process.stdout.write('ended\n')
process.exit()
