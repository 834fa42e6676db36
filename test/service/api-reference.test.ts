import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { startBrowser } from '../support/start-browser.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const MODELS = 'List models'

describe('GET /docs, in a browser', { timeout: 90_000 }, () => {
  let browser: Browser
  let gateway: TestGateway
  let page: Page
  /** What was asked of others, and what the browser complained of. */
  const problems: string[] = []

  before(async () => {
    gateway = await startTestGateway({ GATEWAY_API_KEYS: 'a:key-of-a' })
    browser = await startBrowser()
    page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme: 'dark' })
    page.on('request', (request) => {
      if (!request.url().startsWith(`${gateway.url}/`) && !/^(?:data|blob):/.test(request.url()))
        problems.push(request.url())
    })
    page.on('pageerror', ({ message }) => problems.push(message))
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('401')) problems.push(message.text())
    })
    await page.goto(`${gateway.url}/docs#tag/models/GET/v1/models`)
  })
  after(async () => {
    await browser.close()
    await gateway.stop()
  })

  it('shows what can be asked, in the colours of the system', async () => {
    await page.getByRole('heading', { name: MODELS }).first().waitFor()
    const [red = 255] =
      (await page.evaluate<string>('getComputedStyle(document.body).backgroundColor')).match(/\d+/g)?.map(Number) ?? []
    assert.ok(red < 64, `the background has ${red} of red`)
  })

  it('tries a request of this gateway: without a key, it says that one is needed', async () => {
    const answered = page.waitForResponse(`${gateway.url}/v1/models`)
    await page.locator('button', { hasText: /\(get \/v1\/models\)/ }).click()
    await page.getByRole('button', { name: /^send/i }).first().click()
    assert.equal((await answered).status(), 401)
  })

  it('tries it with a key', async () => {
    await page.getByPlaceholder('Token').last().fill('key-of-a')
    const answered = page.waitForResponse(`${gateway.url}/v1/models`)
    await page.getByRole('button', { name: /^send/i }).first().click()
    assert.equal((await answered).status(), 200)
  })

  it('asks nobody else for anything, and does nothing that its policy forbids', () => {
    assert.deepEqual(problems, [])
  })
})
