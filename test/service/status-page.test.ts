import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { AxeResults } from 'axe-core'
import OpenAI from 'openai'
import type { Browser, Page } from 'playwright-core'
import { MAX_WATCHERS } from '../../gateway/status/watchers.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { startBrowser } from '../support/start-browser.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { eventually } from '../support/within.ts'

const TIMEOUT = 90_000
const DEADLINE = 20_000
const ADMIN = 'key-of-the-operator'
const TEAM = 'key-of-the-team'
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds wrong with a page as it is. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  const found = await page.evaluate<AxeResults>('axe.run()')
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`)
}

describe('the status page', { timeout: TIMEOUT }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'status-page-'))
  let browser: Browser
  let fakes: FakeVllm[]
  let gateway: TestGateway
  let page: Page
  const problems: string[] = []

  const settings = () => ({
    GATEWAY_UPSTREAM_URLS: fakes.map(({ url }) => url).join(','),
    GATEWAY_KEYS_FILE: join(folder, 'keys.json'),
  })

  before(async () => {
    const keys = [
      { name: 'operator', key: ADMIN, admin: true },
      { name: 'team', key: TEAM },
    ]
    writeFileSync(join(folder, 'keys.json'), JSON.stringify(keys))
    fakes = await Promise.all([startFakeVllm(), startFakeVllm()])
    gateway = await startTestGateway(settings())
    browser = await startBrowser()
    page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme: 'light' })
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => {
      // A browser says itself when it is refused, or a server is away.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        problems.push(message.text())
    })
  })
  after(async () => {
    await browser.close()
    await gateway.stop()
    await Promise.all(fakes.map((fake) => fake.kill()))
    rmSync(folder, { recursive: true, force: true })
  })

  const ask = (pages: number, from: number) => {
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: TEAM, maxRetries: 0 })
    const content = [filePart(makePdf(Array.from({ length: pages }, (_, index) => ({ number: from + index }))))]
    return client.chat.completions.create({ model: 'default', messages: [{ role: 'user', content }] })
  }
  const askFor = (model: string) => {
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: TEAM, maxRetries: 0 })
    return client.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hello' }] })
  }
  const rowOf = (label: string) => page.locator('.minutes tbody tr', { hasText: label })
  const ended = async () => ((await numbersOf('Ok'))[2] ?? 0) + ((await numbersOf('Repaired'))[2] ?? 0)
  const numbersOf = async (label: string) => (await rowOf(label).locator('td.number').allTextContents()).map(Number)

  it('asks for the key of an operator, by keyboard alone, and says what is wrong with another', async () => {
    await page.goto(`${gateway.url}/status`)
    await page.getByRole('heading', { name: /operator.s key/ }).waitFor()
    assert.deepEqual(await violations(page), [])
    for (let presses = 0; presses < 10 && !(await isFocused(page, 'Key')); presses++) await page.keyboard.press('Tab')
    await page.keyboard.type(TEAM)
    await page.keyboard.press('Enter')
    await page.getByRole('alert').filter({ hasText: 'team is no admin' }).waitFor()
    await page.getByLabel('Key').fill(ADMIN)
    await page.keyboard.press('Enter')
    await page.getByRole('status').filter({ hasText: 'Ready' }).waitFor()
    await page.reload()
    await page.getByRole('status').filter({ hasText: 'Ready' }).waitFor()
    assert.deepEqual(await page.evaluate('Object.keys(localStorage)'), [], 'the key is kept in the tab')
  })

  it('moves while pages are read: what is in flight, who waits, what has ended', async () => {
    const gate = Promise.withResolvers<string>()
    for (const fake of fakes) fake.setAnswer(() => gate.promise)
    const asked = ask(12, 1)
    await page
      .getByRole('cell', { name: 'team' })
      .or(page.getByRole('rowheader', { name: 'team' }))
      .first()
      .waitFor()
    await eventually(async () => (await inFlight(page)) >= 8, DEADLINE, 'pages in flight')
    assert.match((await page.locator('#queue ~ .in-flight').textContent()) ?? '', /^12 of/)
    gate.resolve('A page.')
    await asked
    await eventually(async () => (await ended()) === 12, DEADLINE, 'pages')
    await eventually(async () => (await inFlight(page)) === 0, DEADLINE, 'nothing in flight')
  })

  it('shows a failure of a request', async () => {
    await assert.rejects(askFor('no-such'), { code: 'model_not_found' })
    const row = page.locator('tr', { hasText: 'model_not_found' })
    await row.waitFor()
    assert.match((await row.textContent()) ?? '', /\/v1\/chat\/completions.*team.*req_/)
  })

  it('has nothing that axe finds wrong, in both themes, and no more than its width on a phone', async () => {
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme })
      assert.deepEqual(await violations(page), [], scheme)
    }
    await page.setViewportSize({ width: 390, height: 800 })
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390)
    assert.deepEqual(await violations(page), [], 'narrow')
  })

  it('shows a server that is gone', async () => {
    await fakes[0]?.kill()
    // All servers are asked how they are, and not only with the next round.
    await assert.rejects(askFor('no-such'), { code: 'engine_unavailable' })
    await page.locator('.card', { hasText: /Down: .*refused the connection/ }).waitFor()
    assert.equal(await page.locator('.card', { hasText: 'Down' }).count(), 1)
  })

  it('stands still while it is paused, and is greyed', async () => {
    const pause = page.getByRole('button', { name: 'Pause' })
    await pause.click()
    await page.getByText('Paused:').waitFor()
    assert.equal(await page.locator('main').getAttribute('data-old'), 'true')
    assert.deepEqual(await violations(page), [])
    await eventually(() => gateway.services.status.watchers.count === 0, DEADLINE, 'nobody watches')
    await pause.click()
    await eventually(() => gateway.services.status.watchers.count === 1, DEADLINE, 'the page watches')
    await page.locator('main[data-old="false"]').waitFor()
  })

  it('says that the connection is lost, and goes on when the gateway is there again', async () => {
    const { port } = new URL(gateway.url)
    await gateway.stop()
    await page.getByText(/Connection lost\..*Trying again in \d+ s/).waitFor()
    assert.equal(await page.locator('main').getAttribute('data-old'), 'true')
    assert.match((await page.getByRole('status').textContent()) ?? '', /^Draining/, 'the last that was heard')
    gateway = await startTestGateway({ ...settings(), GATEWAY_PORT: port })
    await page.locator('main[data-old="false"]').waitFor({ timeout: DEADLINE })
    await page.getByRole('status').filter({ hasText: 'Ready' }).waitFor()
    assert.equal((await numbersOf('Ok'))[2], 0, 'it is another gateway')
    assert.deepEqual(problems, [])
  })

  it('is watched by so many at a time, who leave nothing behind', async () => {
    await page.close()
    const { watchers } = gateway.services.status
    await eventually(() => watchers.count === 0, DEADLINE, 'the page has left')
    const headers = { authorization: `Bearer ${ADMIN}` }
    const leave = new AbortController()
    const open = () => fetch(`${gateway.url}/status/events`, { headers, signal: leave.signal })
    const answers = await Promise.all(Array.from({ length: MAX_WATCHERS }, open))
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
    const tooMany = await open()
    assert.equal(tooMany.status, 429)
    assert.match(await tooMany.text(), /20 others watch.*queue_full/)
    assert.equal(watchers.count, MAX_WATCHERS)
    leave.abort()
    await eventually(() => watchers.count === 0, DEADLINE, 'all have left')
    const inFlight = async () => (await gateway.services.metrics.requestsInFlight.get()).values[0]?.value
    await eventually(async () => (await inFlight()) === 0, DEADLINE, 'no request is in flight')
    await resetSocket(gateway.url, watchers)
  })
})

/** A client that is gone without a word, as when its machine loses power. */
async function resetSocket(url: string, watchers: { readonly count: number }): Promise<void> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  socket.write(`GET /status/events HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${ADMIN}\r\n\r\n`)
  await eventually(() => watchers.count === 1, DEADLINE, 'it watches')
  socket.resetAndDestroy()
  await eventually(() => watchers.count === 0, DEADLINE, 'it is gone')
}

const inFlight = async (page: Page): Promise<number> => {
  const texts = await page.locator('.card .in-flight strong').allTextContents()
  return texts.reduce((sum, text) => sum + Number(text), 0)
}

const isFocused = (page: Page, label: string): Promise<boolean> =>
  page.getByLabel(label, { exact: true }).evaluate((element) => element === element.ownerDocument.activeElement)
