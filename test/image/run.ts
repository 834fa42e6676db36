// `npm run test:image`: does what `docker build` and `docker run --read-only` do with gateway/Dockerfile, where there is no
// Docker: its stages are executed one after the other, and what comes out answers a page. Needs root on Linux, Debian 12 as
// the base image, and the npm registry.
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { processTree, treeMemory } from '../support/bounds/process-memory.ts'
import { copyContext, copyInto, readCommand, readEnvironment, readStages, type Stage } from './dockerfile.ts'
import { enter, makeRoot } from './enter.ts'

const project = join(import.meta.dirname, '../..')
const node = dirname(process.execPath)
/** The base image has a user `node`; OpenShift runs images as somebody whom nobody knows. */
const users = { node: 1000, 'somebody without a name': 1_234_567 }

interface Image {
  readonly root: string
  readonly directory: string
  readonly environment: Record<string, string>
  readonly user: string
  readonly volume: string
  readonly command: readonly string[]
  readonly healthcheck: readonly string[]
}

const say = (text: string) => process.stdout.write(`${text}\n`)

function build(work: string): Image {
  const context = join(work, 'context')
  copyContext(project, context)
  const sources = new Map([['', context]])
  const stages = readStages(readFileSync(join(project, 'gateway/Dockerfile'), 'utf8'))
  const images = stages.map((stage, index) => {
    const root = join(work, `stage-${index}`)
    if (stage.alias !== null) sources.set(stage.alias, root)
    say(`stage ${stage.alias ?? index}, of ${stage.image}`)
    return buildStage(stage, root, sources)
  })
  return images.at(-1) as Image
}

function buildStage({ instructions }: Stage, root: string, sources: ReadonlyMap<string, string>): Image {
  makeRoot(root)
  const image = { root, directory: '/', environment: {}, user: 'root', volume: '', command: [''], healthcheck: [''] }
  for (const { name, text } of instructions) {
    say(`  ${name} ${text.slice(0, 100)}`)
    if (name === 'WORKDIR') mkdirSync(join(root, (image.directory = text)), { recursive: true })
    else if (name === 'COPY') copyInto(root, image.directory, text, sources)
    else if (name === 'RUN') runStep(image, text)
    else if (name === 'ENV') Object.assign(image.environment, readEnvironment(text))
    else if (name === 'USER') image.user = text
    else if (name === 'VOLUME') image.volume = text
    else if (name === 'CMD') image.command = readCommand(text)
    else if (name === 'HEALTHCHECK') image.healthcheck = readCommand(text)
    else if (name !== 'EXPOSE') throw new Error(`${name} is not known here`)
  }
  return image
}

function runStep({ root, directory, environment }: Image, text: string): void {
  // This machine does not know the base image's user.
  const command = ['sh', '-c', text.replaceAll('node:node', '1000:1000')]
  const { program, args, environment: own } = enter({ root, directory, node, command, isBuilding: true })
  const npm = { HOME: '/root', npm_config_cache: '/tmp/npm', npm_config_update_notifier: 'false' }
  execFileSync(program, args, { env: { ...process.env, ...environment, ...npm, ...own }, stdio: ['ignore', 'ignore', 'inherit'] }) // prettier-ignore
}

/** What is in the image, and what is not. */
function inspect({ root, user, directory }: Image): void {
  assert.equal(user, 'node')
  const app = join(root, directory)
  const paths = globSync('**/*', { cwd: app, withFileTypes: true }).map((entry) => join(entry.parentPath, entry.name))
  const own = paths.map((path) => path.slice(app.length + 1)).filter((path) => !path.startsWith('node_modules/'))
  assert.deepEqual([...new Set(own.map((path) => path.split('/')[0] ?? ''))].toSorted(), ['gateway', 'node_modules', 'package.json']) // prettier-ignore
  assert.deepEqual(own.filter((path) => /\.test\.ts$|\.md$|(^|\/)\.(env|git|npmrc)/.test(path)), []) // prettier-ignore
  const { devDependencies } = JSON.parse(readFileSync(join(app, 'package.json'), 'utf8')) as { devDependencies: object }
  // Some are brought by packages that are needed; these are not.
  for (const name of ['typescript', 'oxlint', 'prettier', 'yaml', '@types/node', 'ai'].filter(
    (each) => each in devDependencies,
  ))
    assert.ok(!paths.includes(join(app, 'node_modules', name)), name)
  assert.ok(!paths.some((path) => /node_modules\/node-linux-/.test(path)), 'a second Node')
  const writable = paths.filter((path) => !lstatSync(path).isSymbolicLink() && (lstatSync(path).uid !== 0 || (lstatSync(path).mode & 0o002) !== 0)) // prettier-ignore
  assert.deepEqual(writable, [], 'files that somebody else than root may write')
  say(`  ${paths.length} files, ${execFileSync('du', ['-sm', app], { encoding: 'utf8' }).split('\t')[0]} MB; none is a test, documentation or writable`) // prettier-ignore
}

function start(image: Image, user: number, work: string) {
  const data = mkdtempSync(join(work, 'data-'))
  chownSync(data, user, user)
  chmodSync(data, 0o700)
  writeFileSync(join(image.root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n')
  const { root, directory } = image
  const { program, args, environment } = enter({ root, directory, node, command: image.command, isBuilding: false, user, data }) // prettier-ignore
  const env = { ...image.environment, GATEWAY_API_KEYS: 'me:correct-horse', GATEWAY_LOG_LEVEL: 'warn', ...environment }
  const child = spawn(program, args, { env, stdio: ['ignore', 'inherit', 'inherit'] })
  return { child, within: () => Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim()) }
}

async function check(image: Image, name: string, user: number, work: string): Promise<void> {
  say(`started as ${name} (${user}), with a root that cannot be written and no network`)
  const { child, within } = start(image, user, work)
  const ended = once(child, 'exit')
  try {
    await untilHealthy(image, within)
    const pid = within()
    const most = { threads: 0, megabytes: 0 }
    const looking = setInterval(() => look(pid, most), 50)
    const answer = await ask(pid).finally(() => clearInterval(looking))
    assert.match(answer, /Page 1[^]*Page 2/)
    checkRights(pid, user)
    say(
      `  answered two pages; at most ${most.threads} threads and ${most.megabytes.toFixed(0)} MB, all processes together`,
    )
    process.kill(pid, 'SIGTERM')
    const [code] = (await ended) as [number | null]
    assert.equal(code, 0, 'how it ended after SIGTERM')
  } finally {
    child.kill('SIGKILL')
  }
}

async function untilHealthy({ healthcheck, environment }: Image, within: () => number): Promise<void> {
  for (let tries = 0; tries < 60; tries++) {
    await sleep(500)
    const pid = within()
    if (pid === 0) throw new Error('the gateway has ended')
    const args = ['--target', String(pid), '--net', process.execPath, ...healthcheck.slice(1)]
    if (spawnSync('nsenter', args, { env: environment }).status === 0) return
  }
  throw new Error('the gateway is not healthy after half a minute')
}

async function ask(pid: number): Promise<string> {
  const args = ['--target', String(pid), '--net', process.execPath, join(import.meta.dirname, 'ask.ts')]
  const asking = spawn('nsenter', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  return (await asking.stdout.setEncoding('utf8').toArray()).join('')
}

function look(pid: number, most: { threads: number; megabytes: number }): void {
  const threads = processTree(pid).reduce((sum, each) => sum + threadsOf(each), 0)
  most.threads = Math.max(most.threads, threads)
  most.megabytes = Math.max(most.megabytes, treeMemory(pid).megabytes)
}

function threadsOf(pid: number): number {
  try {
    return Number(/^Threads:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  } catch {
    // It has just ended.
    return 0
  }
}

/** What the kernel says of the process: who it is, and what it may. */
function checkRights(pid: number, user: number): void {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const of = (field: string) => new RegExp(`^${field}:\\s+(.+)$`, 'm').exec(status)?.[1]
  assert.equal(of('Uid')?.split('\t')[0], String(user))
  assert.deepEqual(['CapEff', 'CapPrm', 'CapBnd'].map((field) => Number(of(field))), [0, 0, 0]) // prettier-ignore
  assert.equal(of('NoNewPrivs'), '1')
  const mounts = readFileSync(`/proc/${pid}/mounts`, 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
  const options = (at: string) => mounts.findLast(([, path]) => path === at)?.[3]?.split(',') ?? []
  assert.ok(options('/').includes('ro') && options('/usr').includes('ro'), 'the root can be written')
  assert.ok(options('/data').includes('rw') && options('/tmp').includes('rw'))
}

const work = mkdtempSync(join(tmpdir(), 'image-'))
try {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) throw new Error('this needs root on Linux')
  const image = build(work)
  inspect(image)
  chmodSync(work, 0o755)
  for (const [name, user] of Object.entries(users)) await check(image, name, user, work)
  say('the image of gateway/Dockerfile is as it should be')
} finally {
  rmSync(work, { recursive: true, force: true })
}
