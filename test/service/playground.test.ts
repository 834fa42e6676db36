import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, afterEach, before, describe, it } from 'node:test'
import { unzipSync } from 'fflate'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import sharp from 'sharp'
import { startFakeGotenberg } from '../fakes/fake-gotenberg.ts'
import type { Answer } from '../fakes/fake-vllm-answer.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { PICTURE_MARK, picturedPdf } from '../fixtures/pictured-pages.ts'
import { drawNumbered } from '../fixtures/printed-page.ts'
import { readFixture } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { startBrowser } from '../support/start-browser.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { eventually } from '../support/within.ts'

const DEADLINE = 20_000
const KEY = 'sk-of-the-tests'
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let fake: FakeVllm
let gateway: TestGateway
let browser: Browser
let contexts: BrowserContext[] = []
/** What a page's scripts complain about, and what its Content-Security-Policy refuses. */
const complaints: string[] = []
/** With an attachment that no page can be made of. */
const MAIL = [
  'From: a@example.com',
  'Subject: Findings',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  'Content-Type: text/plain',
  '',
  'See the table.',
  '--b',
  'Content-Type: text/csv; name=values.csv',
  'Content-Disposition: attachment; filename=values.csv',
  '',
  'a,b',
  '1,2',
  '--b--',
  '',
].join('\r\n')
/** Chromium reports handlers also where they are parsed to be thrown away, in documents that run nothing. */
const EXPECTED = /status of 4\d\d|^Executing inline event handler violates/

const plain = (number: number): string => `# Page ${number}\n\nText of page ${number}.`
/** So that no test is answered from the cache of another. */
let lastNumber = 100
const numbers = (count: number): number[] => Array.from({ length: count }, () => ++lastNumber)
const pdfOf = (pages: readonly number[]): Uint8Array => makePdf(pages.map((number) => ({ number })))

before(async () => {
  fake = await startFakeVllm({ models: ['lightonai/LightOnOCR-2-1B-bbox', 'lightonai/LightOnOCR-2-1B'] })
  gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_API_KEYS: `tests:${KEY}` })
  browser = await startBrowser()
})
after(async () => {
  await browser.close()
  await gateway.stop()
  await fake.close()
})
afterEach(async () => {
  for (const context of contexts) await context.close()
  contexts = []
})

/** Has each page answered with what is written for its number. */
function answer(write: (number: number) => Answer | Promise<Answer>): void {
  fake.setAnswer(({ image }) => write(image?.pageNumber ?? 0))
}

interface Opening {
  readonly key?: string | null
  readonly scheme?: 'light' | 'dark'
  readonly width?: number
}

async function openPage({ key = KEY, scheme = 'light', width = 1280 }: Opening = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme: scheme })
  contexts.push(context)
  context.setDefaultTimeout(DEADLINE)
  if (key !== null) {
    await context.addInitScript(`sessionStorage.setItem('ocr-gateway-key', ${JSON.stringify(key)})`)
  }
  return openTab(context)
}

/** Opens the playground in one more tab of a window. */
async function openTab(context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' && !EXPECTED.test(message.text())) complaints.push(message.text())
  })
  await page.goto(gateway.url)
  return page
}

/** Drops files on the window, as a file manager does. */
async function drop(page: Page, files: readonly { name: string; bytes: Uint8Array; type?: string }[]): Promise<void> {
  const dropped = files.map(({ name, bytes, type = 'application/pdf' }) => ({
    name,
    type,
    base64: Buffer.from(bytes).toString('base64'),
  }))
  await page.evaluate(`{
    const dataTransfer = new DataTransfer()
    for (const { name, type, base64 } of ${JSON.stringify(dropped)}) {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
      dataTransfer.items.add(new File([bytes], name, { type }))
    }
    for (const kind of ['dragenter', 'dragover', 'drop'])
      document.body.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }))
  }`)
}

interface Axe {
  readonly violations: readonly {
    readonly id: string
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
  }[]
}

/** Says what keeps some people from using what is on the screen. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  const { violations } = await page.evaluate<Axe>('axe.run()')
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`))
}

const textOf = (page: Page, number: number) => page.locator(`.page-text[data-page="${number}"]`)
const done = (page: Page) => page.locator('.view[data-phase="done"]').waitFor()

describe('the playground in a browser', { timeout: 120_000 }, () => {
  it('shows the first page before the last is read, and keeps what came when it is cancelled', async () => {
    const release = Promise.withResolvers<void>()
    const pages = numbers(3)
    answer(async (number) => {
      if (number !== pages[0]) await release.promise
      return plain(number)
    })
    const page = await openPage()
    await page.getByRole('heading', { name: 'Drop a document to read it' }).waitFor()
    assert.deepEqual(await violations(page), [])
    await drop(page, [{ name: 'three.pdf', bytes: pdfOf(pages) }])
    await textOf(page, 1).getByText(`Text of page ${pages[0]}.`).waitFor()
    await page.locator('.page-picture[data-page="1"] canvas[data-drawn]').waitFor()
    await page.getByText('1 of 3 pages read').first().waitFor()
    assert.equal(await textOf(page, 2).locator('.skeleton').count(), 1)
    assert.deepEqual(await violations(page), [])
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByText('Cancelled. What was read stays here.').waitFor()
    await textOf(page, 1).getByText(`Text of page ${pages[0]}.`).waitFor()
    await eventually(() => fake.requests.some(({ aborted }) => aborted), DEADLINE, 'the engine hears of it')
    release.resolve()
    await page.getByRole('button', { name: 'Go on' }).click()
    await done(page)
    await textOf(page, 3).getByText(`Text of page ${pages[2]}.`).waitFor()
  })

  for (const scheme of ['light', 'dark'] as const) {
    it(`tells the story of a page, and ties its figures to the text: ${scheme}`, async () => {
      answer((number) => `# Page ${number}\n\n${PICTURE_MARK}\n\nAfter the picture.`)
      const page = await openPage({ scheme })
      await drop(page, [{ name: 'pictured.pdf', bytes: picturedPdf(...numbers(2)) }])
      await done(page)
      await page.getByRole('button', { name: 'Page 1: ok. How it was read' }).click()
      await textOf(page, 1).getByText('The answer counted at once.').waitFor()
      await page.locator('.figure-box').first().hover()
      const picture = textOf(page, 1).locator('img[data-marked]')
      await picture.waitFor()
      assert.equal(
        await picture.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth > 100),
        true,
      )
      assert.equal(await page.locator('.page-picture[data-marked]').getAttribute('data-page'), '1')
      assert.deepEqual(await violations(page), [])
    })
  }

  it('reads the pages that the options say', async () => {
    answer(plain)
    const pages = numbers(3)
    const page = await openPage()
    await drop(page, [{ name: 'three.pdf', bytes: pdfOf(pages) }])
    await done(page)
    await page.getByRole('button', { name: 'Options' }).click()
    await page.getByLabel('Pages', { exact: true }).fill('2')
    assert.deepEqual(await violations(page), [])
    await page.getByRole('button', { name: 'Read again with these' }).click()
    await page.getByText('1 page in').first().waitFor()
    await textOf(page, 2).getByText(`Text of page ${pages[1]}.`).waitFor()
    assert.equal(await page.locator('.page-text').count(), 1)
    await page.getByRole('button', { name: 'Code' }).click()
    await page.getByText('"pages"').waitFor()
  })

  it('can be used with the keyboard alone', async () => {
    answer(plain)
    const page = await openPage()
    await page.getByRole('button', { name: 'Try the sample' }).waitFor()
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Help' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    for (let tabs = 0; tabs < 20 && !(await hasFocus(page, 'Try the sample')); tabs++) await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await done(page)
    const scrolled = () => page.locator('.pane-pages .list').evaluate(({ scrollTop }) => scrollTop)
    await page.keyboard.press('j')
    await eventually(async () => (await scrolled()) > 100, DEADLINE, 'the second page')
    await page.keyboard.press('k')
    await eventually(async () => (await scrolled()) === 0, DEADLINE, 'the first page')
    await page.keyboard.press('s')
    await textOf(page, 1).locator('pre').waitFor()
    await page.getByLabel('Model').focus()
    await page.keyboard.press('s')
    assert.equal(await textOf(page, 1).locator('pre').count(), 1, 'fields keep their letters')
  })

  it('moves both sides to the same page', async () => {
    answer((number) => `${plain(number)}\n\n${'A line of the page.\n\n'.repeat(20)}`)
    const page = await openPage()
    await drop(page, [{ name: 'twelve.pdf', bytes: pdfOf(numbers(12)) }])
    await done(page)
    await page.locator('.pane-text').hover()
    await page.locator('.pane-text .list').evaluate((list) => (list.scrollTop = list.scrollHeight / 2))
    const first = (pane: string) =>
      page.locator(`${pane} .list`).evaluate((list) => {
        const { top } = list.getBoundingClientRect()
        const shown = [...list.querySelectorAll('[data-page]')].find(
          (each) => each.getBoundingClientRect().bottom > top + 1,
        )
        return shown?.getAttribute('data-page')
      })
    await eventually(async () => Number(await first('.pane-text')) > 2, DEADLINE, 'the text is scrolled')
    await eventually(
      async () => (await first('.pane-pages')) === (await first('.pane-text')),
      DEADLINE,
      'the same page',
    )
  })

  it('does not run what a model writes', async () => {
    const hostile = [
      '<script>window.canary = "script"</script>',
      '<img src=x onerror="window.canary = \'onerror\'">',
      '[a link](javascript:window.canary="link")',
      '<a href="javascript:window.canary=\'anchor\'" id="trap">another link</a>',
      '<svg onload="window.canary=\'svg\'"><script>window.canary="svg script"</script></svg>',
      '<iframe srcdoc="<script>parent.canary=1</script>"></iframe>',
      '<style>body { display: none }</style>',
      '<form action="https://elsewhere.example"><button id="send">Send</button></form>',
      '<math><mtext><table><mglyph><style><img src=x onerror="window.canary=\'mxss\'">',
      '![picture](https://elsewhere.example/seen.png)',
    ]
    answer((number) => `${plain(number)}\n\n${hostile.join('\n\n')}`)
    const page = await openPage()
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await drop(page, [{ name: 'hostile.pdf', bytes: pdfOf(numbers(1)) }])
    await done(page)
    await textOf(page, 1).getByText('another link').waitFor()
    await textOf(page, 1).getByText('another link').click()
    assert.equal(await page.evaluate('window.canary'), undefined)
    assert.equal(await page.locator('.markdown :is(script, style, iframe, form, svg)').count(), 0)
    assert.deepEqual(
      asked.filter((url) => !url.startsWith(gateway.url) && !url.startsWith('blob:') && !url.startsWith('data:')),
      [],
    )
  })

  it('goes on by itself when the connection breaks, with what came still there', async () => {
    answer(plain)
    const pages = numbers(2)
    const page = await openPage()
    let times = 0
    await page.route('**/v1/chat/completions', async (route) => {
      times += 1
      if (times > 1) return route.continue()
      const chunk = { choices: [{ index: 0, delta: { content: 'Came before it broke.' } }], ocr: { page: 1 } }
      return route.fulfill({ contentType: 'text/event-stream', body: `data: ${JSON.stringify(chunk)}\n\ndata: {"cho` })
    })
    await drop(page, [{ name: 'two.pdf', bytes: pdfOf(pages) }])
    await page.getByText('What came so far stays here.').waitFor()
    await textOf(page, 1).getByText('Came before it broke.').waitFor()
    await done(page)
    await textOf(page, 2).getByText(`Text of page ${pages[1]}.`).waitFor()
    assert.equal(times, 2)
  })

  it('asks for a key, says that it is wrong, and keeps it in the tab', async () => {
    answer(plain)
    const page = await openPage({ key: null })
    const dialog = page.getByRole('dialog', { name: 'API key' })
    await dialog.getByText('This gateway asks for a key.').waitFor()
    await dialog.getByLabel('Key').fill('wrong')
    await page.keyboard.press('Enter')
    await dialog.getByText('This key is not accepted.').waitFor()
    assert.deepEqual(await violations(page), [])
    await dialog.getByLabel('Key').fill(KEY)
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'detached' })
    await page.getByLabel('Model').getByText('LightOnOCR-2-1B-bbox').waitFor({ state: 'attached' })
    await drop(page, [{ name: 'one.pdf', bytes: pdfOf(numbers(1)) }])
    await done(page)
    await page.reload()
    await page.getByRole('button', { name: 'Key set' }).waitFor()
    await page.getByRole('heading', { name: 'Drop a document to read it' }).waitFor()
    assert.equal(await page.locator('.document').count(), 0, 'documents are not kept')
    assert.equal(page.url().includes(KEY), false)
    assert.equal(await page.evaluate('JSON.stringify(localStorage)'), '{}')
  })

  it('says why a file is refused, and asks for a password where one is wanted', async () => {
    answer(plain)
    const page = await openPage()
    await drop(page, [
      { name: 'notes.txt', bytes: Buffer.from('no document'), type: 'text/plain' },
      { name: 'locked.pdf', bytes: readFixture('encrypted-user-aes256.pdf') },
    ])
    await page.getByRole('alert').getByText('unsupported_media_type').waitFor()
    assert.deepEqual(await violations(page), [])
    await page.getByRole('button', { name: /^locked\.pdf/ }).click()
    await page.getByText('The document is encrypted.').waitFor()
    await page.getByLabel('Password').fill('nonsense')
    await page.keyboard.press('Enter')
    await page.getByText('This password does not open the document.').waitFor()
    await page.getByLabel('Password').fill('open sesame')
    await page.keyboard.press('Enter')
    await done(page)
    await textOf(page, 1).getByText('Text of page 21.').waitFor()
  })

  it('is not led away by a link that is dropped', async () => {
    const page = await openPage()
    const isKept = await page.evaluate<boolean>(`{
      const dataTransfer = new DataTransfer()
      dataTransfer.setData('text/uri-list', 'https://example.org/scan.pdf')
      const send = (kind) => document.body.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }))
      !send('dragover')
    }`)
    assert.ok(isKept)
    await page.getByText('A link is no file.').waitFor()
    await page.evaluate(`document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true }))`)
    await page.getByText('A link is no file.').waitFor({ state: 'detached' })
  })

  it('sends large documents as files, and deletes them when they are read', async () => {
    const [number = 0] = numbers(1)
    answer(plain)
    const page = await openPage()
    const { pixels, ...raw } = drawNumbered(number, { width: 1216, height: 1696 })
    const bytes = await sharp(pixels, { raw }).png({ compressionLevel: 0 }).toBuffer()
    assert.ok(bytes.length > 4 * 1024 * 1024)
    const client = gateway.client.withOptions({ apiKey: KEY })
    const uploaded = page.waitForResponse((response) => response.url().endsWith('/v1/files'))
    await drop(page, [{ name: 'large.png', bytes, type: 'image/png' }])
    const { id } = (await (await uploaded).json()) as { id: string }
    await done(page)
    await textOf(page, 1).getByText(`Text of page ${number}.`).waitFor()
    await eventually(
      async () => (await client.files.list()).data.every((file) => file.id !== id),
      DEADLINE,
      'it is deleted',
    )
  })

  it('hands over what was read: as a text, with the ledger, and with the figures', async () => {
    answer((number) => `# Page ${number}\n\n${PICTURE_MARK}\n\nAfter the picture.`)
    const page = await openPage()
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await drop(page, [{ name: 'pictured.pdf', bytes: picturedPdf(...numbers(1)) }])
    await done(page)
    await page.getByRole('button', { name: 'Copy' }).click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    const copied = await page.evaluate<string>('navigator.clipboard.readText()')
    assert.match(copied, /^# Page \d+\n\n!\[image\]\(figures\/page-1-1\.png\)\n\nAfter the picture\.$/)
    const download = async (name: string): Promise<{ name: string; bytes: Uint8Array<ArrayBuffer> }> => {
      await page.locator('summary', { hasText: 'Download' }).click()
      const [saved] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: `(.${name})` }).click(),
      ])
      return { name: saved.suggestedFilename(), bytes: new Uint8Array(readFileSync(await saved.path())) }
    }
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
    const markdown = await download('md')
    assert.deepEqual([markdown.name, text(markdown.bytes)], ['pictured.md', copied])
    const ledger = await download('json')
    const { ocr, ...rest } = JSON.parse(text(ledger.bytes)) as {
      markdown: string
      ocr: { pages: { status: string }[] }
    }
    assert.deepEqual([ledger.name, rest.markdown, ocr.pages[0]?.status], ['pictured.json', copied, 'ok'])
    const zip = await download('zip')
    const files = unzipSync(zip.bytes)
    assert.deepEqual(Object.keys(files).toSorted(), ['figures/page-1-1.png', 'pictured.json', 'pictured.md'])
    assert.equal((await sharp(files['figures/page-1-1.png']).metadata()).format, 'png')
    assert.equal(text(files['pictured.md']!), copied)
  })

  it('reads in two tabs at once, and neither hears of the other', async () => {
    const release = Promise.withResolvers<void>()
    const [first, second] = [numbers(1), numbers(1)]
    answer(async (number) => {
      if (number === first[0]) await release.promise
      return plain(number)
    })
    const one = await openPage()
    const two = await openTab(one.context())
    await drop(one, [{ name: 'one.pdf', bytes: pdfOf(first) }])
    await textOf(one, 1).locator('.skeleton').waitFor()
    await drop(two, [{ name: 'two.pdf', bytes: pdfOf(second) }])
    await done(two)
    await textOf(two, 1).getByText(`Text of page ${second[0]}.`).waitFor()
    assert.equal(await two.getByText('one.pdf').count(), 0)
    await two.getByRole('button', { name: 'Read again' }).click()
    await done(two)
    await two.close()
    release.resolve()
    await done(one)
    await textOf(one, 1).getByText(`Text of page ${first[0]}.`).waitFor()
    assert.equal(await one.getByText('two.pdf').count(), 0)
  })

  it('writes from right to left what is written so', async () => {
    const arabic = [
      '# تقرير سنوي',
      'هذا نص من صفحة **مهمة** رقم 42.',
      '- أولا\n- ثانيا',
      '| الاسم | العدد |\n|---|---|\n| ورق | 7 |',
      '> اقتباس قصير',
      'And a line in English.',
    ].join('\n\n')
    answer(() => arabic)
    const page = await openPage()
    await drop(page, [{ name: 'תקציב 2026.pdf', bytes: pdfOf(numbers(1)) }])
    await done(page)
    const directions = await page.evaluate<string[]>(
      `['> h4', '> p', 'ul', 'li', 'table', 'td', 'blockquote', '> p:last-child'].map(
        (selector) => getComputedStyle(document.querySelector('.page-text .md ' + selector)).direction)`,
    )
    assert.deepEqual(directions, [...Array<string>(7).fill('rtl'), 'ltr'])
    // The first column of a table stands where reading begins.
    const [name, count] = await Promise.all(
      ['الاسم', 'العدد'].map((text) => textOf(page, 1).getByRole('columnheader', { name: text }).boundingBox()),
    )
    assert.ok((name?.x ?? 0) > (count?.x ?? 0))
    assert.deepEqual(await violations(page), [])
  })

  it('is light or dark as it is told, and fits a telephone', async () => {
    answer(plain)
    const page = await openPage({ scheme: 'dark', width: 390 })
    const ground = () => page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor')
    const dark = await ground()
    await page.getByLabel('Theme').selectOption('light')
    await eventually(async () => (await ground()) !== dark, DEADLINE, 'it is light')
    await drop(page, [{ name: 'one.pdf', bytes: pdfOf(numbers(1)) }])
    await done(page)
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390)
    assert.equal(await page.locator('.pane-pages').isVisible(), false)
    await page.getByRole('group', { name: 'Show' }).getByRole('button', { name: 'Pages' }).click()
    await page.locator('.page-picture[data-page="1"] canvas[data-drawn]').waitFor()
    assert.deepEqual(await violations(page), [])
  })

  it('offers mail where the gateway has it converted, and says above the pages what was not read', async () => {
    answer(plain)
    await using gotenberg = await startFakeGotenberg()
    await using office = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_API_KEYS: `tests:${KEY}`,
      GATEWAY_GOTENBERG_URL: gotenberg.url,
    })
    const page = await openPage()
    const chooser = page.locator('input[type=file]')
    assert.doesNotMatch((await chooser.getAttribute('accept')) ?? '', /\.eml/)
    await page.goto(office.url)
    assert.match((await chooser.getAttribute('accept')) ?? '', /\.docx,.*\.eml$/)
    await chooser.setInputFiles({ name: 'findings.eml', mimeType: 'message/rfc822', buffer: Buffer.from(MAIL) })
    await done(page)
    await page.locator('.notice').getByText('These files in it are not read: values.csv (a CSV table).').waitFor()
    assert.deepEqual(await violations(page), [])
  })

  it('had nothing to complain about', () => {
    assert.deepEqual(complaints, [])
  })
})

function hasFocus(page: Page, text: string): Promise<boolean> {
  return page.evaluate<boolean>(`document.activeElement?.textContent === ${JSON.stringify(text)}`)
}
