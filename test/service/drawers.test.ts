import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { slowPdf } from '../fixtures/slow-pages.ts'
import { askFor } from '../support/bounds/ask.ts'
import { processTree } from '../support/bounds/process-memory.ts'
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts'
import { eventually } from '../support/within.ts'

const seconds = 1000
// What processes do is read from /proc.
const skip = process.platform !== 'linux'
const SECRET = 'a-key-that-no-drawer-sees'

describe('drawers', { timeout: 120 * seconds, skip }, () => {
  it('end with the gateway, even when it is killed in the middle of a page', async () => {
    await using gateway = await startGatewayProcess({ GATEWAY_API_KEYS: `someone:${SECRET}` })
    const drawers = await drawing(gateway)
    gateway.child.kill('SIGKILL')
    await eventually(() => drawers.every((id) => !existsSync(`/proc/${id}`)), 10 * seconds, 'no drawer is left')
  })

  it('are told no secret, may do little, and are the first to go when memory runs out', async () => {
    await using gateway = await startGatewayProcess({ GATEWAY_API_KEYS: `someone:${SECRET}` })
    const [drawer] = await drawing(gateway)
    const environment = readFileSync(`/proc/${drawer}/environ`, 'latin1')
    const command = readFileSync(`/proc/${drawer}/cmdline`, 'latin1').split('\0')
    assert.ok(!environment.includes(SECRET))
    assert.ok(!environment.includes('GATEWAY_'))
    assert.ok(command.includes('--permission'))
    assert.deepEqual(
      command.filter((option) => option.startsWith('--allow-') && !option.startsWith('--allow-fs-')),
      ['--allow-addons', '--allow-worker'],
    )
    assert.equal(readFileSync(`/proc/${drawer}/oom_score_adj`, 'latin1').trim(), '1000')
  })

  it('give way to the gateway; those that draw what is slow, to the others; but for the threads that watch their memory', async () => {
    await using gateway = await startGatewayProcess({ GATEWAY_RASTERIZE_THREADS: '2' })
    const pid = gateway.child.pid ?? 0
    await drawing(gateway, 2)
    const asking = { url: gateway.url, key: SECRET }
    const other = await askFor(asking, { file: 'quick.pdf', bytes: slowPdf(1, 0.1) }, 20 * seconds)
    assert.equal(other.outcome, '200')
    const own = getPriority(pid)
    const threads = (id: number) => readdirSync(`/proc/${id}/task`).map(Number)
    const lowest = (id: number) => Math.max(...threads(id).map((thread) => getPriority(thread)))
    const drawers = () => processTree(pid).filter((id) => id !== pid)
    const givesWay = (id: number) =>
      threads(id).filter((thread) => getPriority(thread) === Math.min(19, own + 12)).length > 1
    await eventually(() => drawers().some(givesWay), 20 * seconds, 'who draws what is slow gives way')
    assert.ok(drawers().every((id) => getPriority(id) === own))
    await eventually(
      () => drawers().every((id) => lowest(id) >= Math.min(19, own + 6)),
      20 * seconds,
      'all drawers give way',
    )
    assert.equal(lowest(pid), own)
  })

  it('that the system ends while they rest cost no page: the next one draws it', async () => {
    await using gateway = await startGatewayProcess({})
    const pid = gateway.child.pid ?? 0
    const asking = { url: gateway.url, key: SECRET }
    const drawers = () => processTree(pid).filter((id) => id !== pid)
    const first = await askFor(asking, { file: 'first.pdf', bytes: slowPdf(1, 1) }, 40 * seconds)
    assert.equal(first.outcome, '200')
    for (const id of drawers()) process.kill(id, 'SIGKILL')
    await eventually(() => drawers().length === 0, 10 * seconds, 'no drawer is left')
    await delay(1 * seconds)
    const next = await askFor(asking, { file: 'next.pdf', bytes: slowPdf(1, 1) }, 20 * seconds)
    assert.equal(next.outcome, '200')
  })

  it('that the system ends in the middle of a page cost no page: another one draws it', async () => {
    await using gateway = await startGatewayProcess({})
    const asking = { url: gateway.url, key: SECRET }
    const page = askFor(asking, { file: 'page.pdf', bytes: slowPdf(1, 4) }, 50 * seconds)
    await endDrawers(gateway)
    assert.equal((await page).outcome, '200')
  })

  it('that the system ends while they start cost no page: another one is started', async () => {
    await using gateway = await startGatewayProcess({})
    const asking = { url: gateway.url, key: SECRET }
    const page = askFor(asking, { file: 'page.pdf', bytes: slowPdf(1, 1) }, 50 * seconds)
    await endDrawers(gateway, 0)
    assert.equal((await page).outcome, '200')
  })

  it('that the system ends twice at the same page are not given it again', async () => {
    await using gateway = await startGatewayProcess({})
    const asking = { url: gateway.url, key: SECRET }
    const page = askFor(asking, { file: 'page.pdf', bytes: slowPdf(1, 30) }, 50 * seconds)
    await endDrawers(gateway)
    await endDrawers(gateway)
    assert.match((await page).outcome, /document_unreadable/)
  })
})

/** More than a start takes, in hundredths of a second. */
const AT_WORK_TICKS = 200

/** Ends the drawers as the system does, once one of them has taken so much of the processor. */
async function endDrawers({ child }: GatewayProcess, ticks = AT_WORK_TICKS): Promise<void> {
  const drawers = () => processTree(child.pid ?? 0).filter((id) => id !== child.pid)
  // The 14th field, and the 12th behind the name, which may hold anything.
  const userTicks = (id: number) =>
    Number(readFileSync(`/proc/${id}/stat`, 'latin1').split(') ').at(-1)?.split(' ')[11] ?? 0)
  const isAtWork = (id: number) => userTicks(id) >= ticks
  await eventually(() => drawers().some(isAtWork), 20 * seconds, 'a drawer')
  const ended = drawers()
  for (const id of ended) process.kill(id, 'SIGKILL')
  await eventually(() => ended.every((id) => !existsSync(`/proc/${id}`)), 10 * seconds, 'they have ended')
}

/** Asks for pages that take a minute each to draw; returns the processes of the gateway that are there then. */
async function drawing({ child, url }: GatewayProcess, pages = 1): Promise<number[]> {
  const pid = child.pid ?? 0
  void askFor({ url, key: SECRET }, { file: 'slow.pdf', bytes: slowPdf(pages, 60) }, 60 * seconds)
  const drawers = () => processTree(pid).filter((id) => id !== pid)
  await eventually(() => drawers().length >= 1, 20 * seconds, 'a page that is being drawn')
  await delay(1 * seconds)
  return drawers()
}
