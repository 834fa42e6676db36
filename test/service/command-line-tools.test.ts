import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { cleanEnvironment } from '../support/clean-environment.ts'
import { launcher, runOcr, startOcr } from '../support/run-ocr.ts'
import { startRedis } from '../support/start-redis.ts'
import { useFolder } from '../support/use-folder.ts'
import { eventually, within } from '../support/within.ts'

const project = join(import.meta.dirname, '../..')
const run = promisify(execFile)

const pinned = { GATEWAY_MODEL_PROFILES: 'Qwen/Qwen3-4B=none' }

describe('the tools of the command line', { timeout: 60_000, concurrency: 2 }, () => {
  const { path: cwd } = useFolder()
  let fake: FakeVllm
  before(async () => (fake = await startFakeVllm({ models: ['lightonai/LightOnOCR-2-1B', 'Qwen/Qwen3-4B'] })))
  after(() => fake.kill())

  it('ocr models lists what reads documents', async () => {
    const env = { GATEWAY_UPSTREAM_URLS: fake.url, ...pinned }
    const { code, stdout } = await runOcr(['models'], { cwd, env })
    assert.equal(code, 0)
    assert.match(stdout, /^MODEL +READS +IS\n/)
    assert.match(stdout, /^lightonai\/LightOnOCR-2-1B +documents/m)
    assert.match(stdout, /^Qwen\/Qwen3-4B +chats/m)
    const listed = JSON.parse((await runOcr(['models', '--json'], { cwd, env })).stdout) as { id: string }[]
    assert.ok(listed.some(({ id }) => id === 'default'))
  })

  it('ocr doctor is content with what works, and says with what it works', async () => {
    await using redis = await startRedis({ args: ['--maxmemory-policy', 'volatile-lru', '--appendonly', 'yes'] })
    const env = {
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_REDIS_URL: redis.url,
      GATEWAY_DATA_DIR: join(cwd, 'data'),
      ...pinned,
    }
    const { code, stdout } = await runOcr(['doctor'], { cwd, env })
    assert.equal(code, 0, stdout)
    for (const line of [
      /^✓ Node: v\d+/m,
      /^✓ Settings: valid$/m,
      /^[✓!] Data folder: .*data can be written, with [\d.]+ GiB free$/m,
      /^✓ Redis: version \d/m,
      /^✓ Redis eviction: volatile-lru$/m,
      /^✓ Redis persistence: append-only file$/m,
      /^✓ Upstream http:.*: lightonai\/LightOnOCR-2-1B \(profile lightonocr-2\), Qwen\/Qwen3-4B \(no OCR model/m,
    ])
      assert.match(stdout, line)
  })

  it('ocr doctor finds what is broken, says what to do, and ends with 1', async () => {
    const env = {
      GATEWAY_UPSTREAM_URLS: 'http://127.0.0.1:9/v1',
      GATEWAY_REDIS_URL: 'redis://:secret-password@127.0.0.1:9',
      GATEWAY_DATA_DIR: join(import.meta.filename, 'data'),
    }
    const { code, stdout } = await runOcr(['doctor', '--base-url', 'http://127.0.0.1:9'], { cwd, env })
    assert.equal(code, 1)
    for (const what of ['Data folder', 'Redis', 'Upstream', 'Gateway'])
      assert.match(stdout, new RegExp(`^✗ ${what}.*\\n`, 'm'), stdout)
    assert.match(stdout, /→ .*GATEWAY_REDIS_URL/)
    assert.doesNotMatch(stdout, /secret-password/)
    const bad = await runOcr(['doctor'], { cwd, env: { GATEWAY_PORT: 'x' } })
    assert.deepEqual([bad.code, /✗ Settings: GATEWAY_PORT/.test(bad.stdout)], [1, true])
    const careless = await runOcr(['models'], { cwd, env: { GATEWAY_LOOKAHEAD: 'x' } })
    assert.deepEqual([careless.code, careless.stderr.startsWith('GATEWAY_LOOKAHEAD ')], [2, true])
  })

  it('ocr doctor says why Redis cannot be asked, and tries whether the data folder takes anything', async () => {
    await using redis = await startRedis({ args: ['--requirepass', 'right'] })
    const env = {
      GATEWAY_REDIS_URL: redis.url.replace('redis://', 'redis://:wrong-one@'),
      GATEWAY_DATA_DIR: '/proc/data',
    }
    const { stdout } = await runOcr(['doctor'], { cwd, env })
    assert.match(stdout, /^✗ Redis: cannot be asked: WRONGPASS/m)
    assert.match(stdout, /^✗ Data folder: \/proc\/data cannot be written/m)
    const away = await runOcr(['doctor'], { cwd, env: { GATEWAY_REDIS_URL: 'redis://127.0.0.1:9' } })
    assert.match(away.stdout, /^✗ Redis: cannot be asked: .*ECONNREFUSED/m)
  })

  it('keeps its compiled code where nobody else may write, and nowhere else', async () => {
    const entries = async (mode: number): Promise<number> => {
      const folder = mkdtempSync(join(cwd, 'tmp-'))
      const mine = join(folder, `ocr-gateway-${userInfo().uid}`)
      mkdirSync(mine)
      chmodSync(mine, mode)
      assert.equal((await runOcr(['--version'], { env: { TMPDIR: folder, NODE_COMPILE_CACHE: '' } })).code, 0)
      return readdirSync(mine).length
    }
    assert.deepEqual([await entries(0o700), await entries(0o777)], [1, 0])
  })

  it('ocr serve is the gateway, which drains on SIGTERM', async () => {
    const { child, output, exited } = startOcr(['serve'], { cwd, env: { GATEWAY_PORT: '0' } })
    await eventually(() => output.stdout.includes('listens on'), 20_000, output.stderr)
    const url = /http:\S+/.exec(output.stdout)?.[0] ?? ''
    assert.equal((await fetch(`${url}/health`)).status, 200)
    const doctor = await runOcr(['doctor', '--base-url', url], { cwd })
    assert.equal(doctor.code, 0, doctor.stdout)
    assert.match(doctor.stdout, /^✓ Gateway http.*: reads with tesseract, default\n✓ Gateway readiness: ok$/m)
    child.kill('SIGTERM')
    assert.equal(await within(exited, 10_000, 'the end'), 0)
  })

  it('starts from anywhere by the link that npm makes, and says why it does not from an installed copy', async () => {
    const bin = join(cwd, 'ocr')
    symlinkSync(launcher, bin)
    const linked = await run(bin, ['--help'], { cwd })
    assert.match(linked.stdout, /^Usage: ocr /)
    const copy = join(cwd, 'node_modules/ocr-gateway/gateway/cli')
    mkdirSync(copy, { recursive: true })
    cpSync(launcher, join(copy, 'ocr.js'))
    writeFileSync(join(copy, '../../package.json'), '{ "type": "module" }')
    const refusal = run(process.execPath, [join(copy, 'ocr.js'), '--help'], { cwd })
    await assert.rejects(refusal, { code: 2, stderr: /^ocr runs from a clone of its repository: run `npm ci` there/ })
  })

  it('starts by npm and npx, with the paths of where it was called', async () => {
    const env = { ...cleanEnvironment, NO_UPDATE_NOTIFIER: '1' }
    const from = join(project, 'test')
    const args = ['run', '--silent', 'ocr', '--', '--dry-run', 'fixtures/documents/four-page-scan.pdf']
    const { stdout } = await run('npm', args, { cwd: from, env })
    assert.match(stdout, /^fixtures\/documents\/four-page-scan\.pdf: 4 pages, 4 to read/)
    const { version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { version: string }
    assert.equal((await run('npx', ['--offline', 'ocr', '--version'], { cwd: project, env })).stdout, `${version}\n`)
  })
})
