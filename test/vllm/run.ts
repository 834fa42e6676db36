// What `npm run test:vllm` runs: the promises that only a real vLLM can keep. It tells what it finds first, and which tests
// this server cannot be asked to pass.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { readSettings } from './server.ts'

try {
  const { url, command } = readSettings()
  process.stdout.write(`test/vllm/run.ts: ${url}\n`)
  if (command === null)
    process.stdout.write('test/vllm/run.ts: no VLLM_COMMAND: killing and restarting the server is not tested\n')
  const file = join(import.meta.dirname, 'vllm.test.ts')
  const options = ['--test', '--test-force-exit', '--test-timeout=1800000', '--test-reporter=spec']
  const { status } = spawnSync(process.execPath, [...options, file], { stdio: 'inherit' })
  process.exitCode = status ?? 1
} catch (error) {
  process.stderr.write(`test/vllm/run.ts: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
