import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { z } from 'zod'
import { chatOcrOptions } from '../../gateway/wire/openai/ocr-options.ts'
import { hostileMarkdown } from '../fixtures/hostile-markdown.ts'
import { serveWebParts, type WebParts } from '../support/serve-web-parts.ts'
import { startBrowser } from '../support/start-browser.ts'

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
const schema = z.toJSONSchema(chatOcrOptions, { io: 'input' })
const PIXEL =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** Calls one of the pieces in the page. */
const call = (page: Page, piece: string, ...args: readonly unknown[]): Promise<unknown> =>
  page.evaluate(`parts.${piece}(...${JSON.stringify(args)})`)

const show = (page: Page, markdown: string, figures: Readonly<Record<string, string>> = {}): Promise<unknown> =>
  call(page, 'markdown', markdown, figures)

/** Waits until an expression is true in the page, whose policy forbids what playwright's own waiting does. */
async function until(page: Page, expression: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if ((await page.evaluate(`Boolean(${expression})`)) === true) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  assert.fail(`it is never true that ${expression}`)
}

/** Presses the button until all is shown. */
async function pressMore(page: Page): Promise<void> {
  for (let pressed = 0; pressed < 30; pressed++) {
    const isThere = await page.evaluate(`(() => {
      const button = document.querySelector('.md-more')
      button?.click()
      return button !== null
    })()`)
    if (isThere === false) return
  }
  assert.fail('there is always more')
}

/** What a page's Markdown must not have become, as seen from inside of the browser. */
const FOUND_WRONG = `(() => {
  const wrong = []
  const allowed = new Set(['target', 'rel', 'tabindex', 'role', 'aria-label', 'decoding', 'class'])
  for (const element of document.querySelectorAll('.md *')) {
    if (element.closest('.katex, .katex-display')) continue
    const name = element.tagName.toLowerCase()
    if (/^(script|style|svg|math|iframe|object|embed|form|input|button|textarea|select|template|link|meta|base|dialog|details|video|audio|area|map|title|noscript)$/.test(name) || name.includes('-')) wrong.push(name)
    for (const { name: attribute, value } of element.attributes) {
      if (/^(on|style|id$|name$|ping|srcset|formaction|action)/.test(attribute)) wrong.push(name + ' ' + attribute)
      if (attribute === 'href' && !/^(https?:|mailto:)/.test(value)) wrong.push(name + ' ' + value)
      if (attribute === 'src' && !/^(blob:|data:image\\/(png|jpeg|webp|gif);)/.test(value)) wrong.push(name + ' ' + value)
      if (attribute === 'class' && !/^md-/.test(value)) wrong.push('class ' + value)
    }
    if (name === 'a' && (element.target !== '_blank' || !element.rel.includes('noopener'))) wrong.push('a link without its target')
  }
  for (const anchor of document.querySelectorAll('.katex a, .katex img, .katex [id]')) wrong.push(anchor.outerHTML)
  for (const element of document.querySelectorAll('.md *')) {
    for (const kind of ['mouseover', 'focus', 'toggle']) element.dispatchEvent(new Event(kind, { bubbles: true }))
    if (element.tagName !== 'A') element.dispatchEvent(new MouseEvent('click'))
  }
  if (globalThis.canary !== undefined) wrong.push('it ran')
  if (typeof globalThis.parts.markdown !== 'function' || document.body.tagName !== 'BODY') wrong.push('it hid a name')
  return wrong
})()`

describe("the playground's pieces in a browser", { timeout: 90_000 }, () => {
  let parts: WebParts
  let browser: Browser
  let page: Page
  const requests: string[] = []
  const errors: string[] = []

  before(async () => {
    ;[parts, browser] = await Promise.all([serveWebParts(), startBrowser()])
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
    page.on('request', (request) => requests.push(request.url()))
    page.on('pageerror', (error) => errors.push(error.message))
    await page.goto(parts.url)
    await until(page, 'globalThis.parts')
    // The page's policy lets no script in; what is evaluated from outside may do what it likes.
    await page.evaluate(`${readFileSync(AXE, 'utf8')};0`)
  })
  after(async () => {
    await browser.close()
    await parts[Symbol.asyncDispose]()
  })
  beforeEach(() => {
    requests.length = 0
    errors.length = 0
  })

  it('run nothing, load nothing and hide nothing of what Markdown tries', async () => {
    assert.ok(Object.keys(hostileMarkdown).length >= 60)
    for (const [name, markdown] of Object.entries(hostileMarkdown)) {
      await show(page, markdown)
      assert.deepEqual(await page.evaluate(FOUND_WRONG), [], name)
    }
    // All at once: formulas are typeset, and pictures fail, a moment later.
    await call(page, 'markdowns', Object.values(hostileMarkdown))
    for (let y = 0; y < Number(await page.evaluate(`document.scrollingElement.scrollHeight`)); y += 1200) {
      await page.evaluate(
        `scrollTo(0, ${y}), new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 30)))`,
      )
    }
    await until(page, `!document.querySelector('.md [data-formula]:not(.md-formula, .md-formula-source)')`)
    assert.deepEqual(await page.evaluate(FOUND_WRONG), [])
    const own = (url: string): boolean => /\/(?:katex-\w+\.js|KaTeX_[\w-]+\.woff2)$/.test(url)
    assert.deepEqual(
      requests.filter((url) => !own(url) && !url.startsWith('data:image/')),
      [],
    )
    assert.equal(page.url(), parts.url)
    assert.deepEqual(errors, [])
  })

  it('typeset ten thousand formulas as they come into view, and stay responsive', async () => {
    const line = (number: number): string => String.raw`Value $x_{${number}}$ and $\frac{1}{${number}}$.`
    await show(page, Array.from({ length: 5000 }, (_, index) => line(index)).join('\n\n'))
    await until(page, `document.querySelectorAll('.md .katex').length > 10`)
    const early = Number(await page.evaluate(`document.querySelectorAll('.md .katex').length`))
    assert.ok(early < 2000, `${early} formulas are typeset that nobody sees`)
    await pressMore(page)
    await page.evaluate(`document.scrollingElement.scrollTo(0, 1e9)`)
    await until(page, `document.querySelector('.md > p:last-of-type .katex') !== null`)
    assert.equal(await page.evaluate(`document.querySelectorAll('.md [data-formula]').length`), 10_000)
    await page.evaluate(`document.scrollingElement.scrollTo(0, 0)`)
  })

  it('show what cannot be typeset as it was written, and say why', async () => {
    const broken = [
      String.raw`$\frac{a}{$`,
      String.raw`$\nothing{x}$`,
      String.raw`$\def\a{\a\a}\a$`,
      `$${'{'.repeat(500)}x${'}'.repeat(500)}$`,
      String.raw`$${String.raw`\sqrt `.repeat(900)}x$`,
      String.raw`$x^${String.raw`{y^`.repeat(60)}z${'}'.repeat(60)}$`,
      String.raw`$\rule{9999em}{9999em}$`,
    ]
    await show(page, broken.join('\n\n'))
    await until(
      page,
      `[...document.querySelectorAll('.md [data-formula]')].every((each) => each.matches('.md-formula, .md-formula-source'))`,
    )
    const shown = await page.evaluate<[string, string][]>(
      `[...document.querySelectorAll('.md-formula-source')].map((each) => [each.textContent, each.title])`,
    )
    assert.deepEqual(
      shown.map(([text]) => text),
      broken.slice(0, 6),
    )
    for (const [, title] of shown) assert.match(title, /^This formula cannot be typeset: ./)
    const size = Number(
      await page.evaluate(`document.querySelector('.md-formula .katex-html').getBoundingClientRect().width`),
    )
    assert.ok(size < 500, `the rule is ${size} pixels wide`)
  })

  it('show the first rows of a large table, and the others in the same table when they are asked for', async () => {
    const cells = (number: number): string => `<td>Row ${number}</td><td>${number * 2}</td><td>${number % 10}</td>`
    const rows = Array.from({ length: 10_000 }, (_, index) => `<tr>${cells(index + 1)}</tr>`)
    const tables = {
      html: {
        count: 10_000,
        table: `<table><thead><tr><th>Name</th><th>Value</th><th>Sign</th></tr></thead><tbody>${rows.join('')}</tbody></table>`,
      },
      pipes: {
        count: 2000,
        table: `| Name | Value | Sign |\n|---|--:|:-:|\n${rows
          .slice(0, 2000)
          .map((_, index) => `| Row ${index + 1} | ${index * 2} | x |`)
          .join('\n')}`,
      },
    }
    for (const [name, { table, count }] of Object.entries(tables)) {
      await show(page, `Before.\n\n${table}\n\nAfter.`)
      const first = Number(await page.evaluate(`document.querySelectorAll('.md tbody tr').length`))
      assert.ok(first > 500 && first < 5000, `${name}: ${first} rows`)
      await pressMore(page)
      assert.equal(await page.evaluate(`document.querySelectorAll('.md table').length`), 1, name)
      assert.equal(await page.evaluate(`document.querySelectorAll('.md tbody tr').length`), count, name)
      assert.equal(
        await page.evaluate(`document.querySelector('.md tbody tr:last-child td').textContent`),
        `Row ${count}`,
      )
      assert.equal(await page.evaluate(`document.querySelector('.md > :last-child').textContent.trim()`), 'After.')
    }
  })

  it('are not held up by ten megabytes of anything', async () => {
    const much = ['a', '*', 'a\n']
    for (const sign of much) {
      // Made there: a message of ten megabytes is slow by itself.
      await page.evaluate(`parts.markdown(${JSON.stringify(sign)}.repeat(${Math.ceil(1e7 / sign.length)}))`)
      const { more, length } = await page.evaluate<{ more?: string; length: number }>(
        `({ more: document.querySelector('.md-more')?.textContent, length: document.querySelector('.md').textContent.length })`,
      )
      assert.match(more ?? '', /^Show more \([\d,]+ characters left\)$/, sign)
      assert.ok(length < 300_000, `${sign}: ${length}`)
    }
  })

  it('make the best of broken HTML', async () => {
    const rows: readonly [name: string, markdown: string, selector: string, text: string][] = [
      ['an unclosed cell', '<table><tr><td>a<td>b<tr><td rowspan=2 colspan=3>c</table>\n\nAfter', 'p', 'After'],
      ['an unclosed table', '<table><tr><td>a</td></tr>', 'td', 'a'],
      [
        'spans that no table has',
        '<table><tr><td colspan=60000 rowspan=65534>a</td></tr></table>',
        'td:not([colspan])',
        'a',
      ],
      ['an open tag at the end', 'text <b', 'p', 'text <b'],
      ['nested wrongly', '<b><i>x</b>y</i>', 'i', 'x'],
      [
        'an empty line in a table',
        '<table>\n<tr>\n<td>a</td>\n\n</tr>\n<tr><td>b</td></tr></table>',
        'tr:last-child td',
        'b',
      ],
      ['a comment that never ends', '<!-- x\n\nafter', '', '<!-- x\n\nafter'],
      ['tags that are the text', 'Use <select> and </textarea>.', 'p', 'Use <select> and </textarea>.'],
      ['a page mark', '<!-- page 3 failed: engine_error -->\n\nx', '', 'x'],
      [
        'a figure',
        '![A chart](page-1-image-1.png)112,80,640,455 next',
        'img[alt="A chart"][data-figure="page-1-image-1.png"]',
        '',
      ],
      ['a figure that is missing', '![image](nowhere.png)', '.md-figure', 'Figure: nowhere.png'],
      ['a figure within the text', `![x](${PIXEL})`, `img[src="${PIXEL}"]`, ''],
      ["headings below the app's", '# One\n\n## Two', 'h4', 'One'],
      ['a link', '[x](https://example.org/a)', 'a[target=_blank][rel~=noopener][title="https://example.org/a"]', 'x'],
      ['text from right to left', 'שלום', 'p[dir=auto]', 'שלום'],
    ]
    for (const [name, markdown, selector, text] of rows) {
      await show(page, markdown, { 'page-1-image-1.png': PIXEL })
      const found = await page.evaluate(
        `document.querySelector(${JSON.stringify(`.md ${selector}`)})?.textContent.trim()`,
      )
      assert.equal(found, text, name)
    }
  })

  it('say what only the text layer has, and what only was read, by more than a colour', async () => {
    const same = 'these words are in both of them '.repeat(30)
    await call(page, 'diff', `Invoice 4711 ${same} 中文没有空格`, `# Invoice **4117**\n\n${same} 中文没有空隔`)
    assert.equal(await page.locator('.diff-text del').first().textContent(), '4711')
    assert.equal(await page.locator('.diff-text ins').first().textContent(), '4117')
    assert.match(
      (await page.locator('.diff-legend').textContent()) ?? '',
      /\d words only in the PDF\d words only in what was read/,
    )
    assert.equal(
      await page.evaluate(`getComputedStyle(document.querySelector('.diff-text del')).textDecorationLine`),
      'line-through',
    )
    const fold = page.locator('.diff-fold')
    assert.match((await fold.textContent()) ?? '', /^\d+ words the same$/)
    await fold.focus()
    await page.keyboard.press('Enter')
    assert.ok((await page.locator('.diff-text').textContent())?.includes(same))
    await call(page, 'diff', 'the same', '**the** same')
    assert.equal(await page.locator('.diff').textContent(), 'Both say the same.')
  })

  it('make a form of the options that keeps what differs from the defaults', async () => {
    await call(page, 'form', schema)
    const value = (): Promise<unknown> => page.evaluate('parts.value')
    await page.getByLabel('Pages', { exact: true }).fill('1-3')
    await page.getByLabel('Output').selectOption({ label: 'Text' })
    await page.getByLabel('Confidence', { exact: true }).check()
    await page.getByLabel('Deskew').check()
    await page.getByLabel('Tile').selectOption({ label: 'No' })
    await page.getByLabel('Password').fill('secret')
    await page.getByRole('textbox', { name: 'Names' }).fill('total\n\n date ')
    assert.deepEqual(await value(), {
      pages: '1-3',
      fields: ['total', 'date'],
      output: 'text',
      confidence: true,
      password: 'secret',
      prepare: { deskew: true, tile: false },
    })
    assert.equal(await page.getByLabel('Password').getAttribute('type'), 'password')
    assert.equal(await page.getByLabel('Preview').count(), 0)
    await page.getByLabel('Output').selectOption({ label: 'Markdown (default)' })
    await page.getByLabel('Confidence', { exact: true }).uncheck()
    await page.getByLabel('Deskew').uncheck()
    await page.getByLabel('Tile').selectOption({ label: 'Not set' })
    await page.getByLabel('Password').fill('')
    await page.getByLabel('JSON schema').check()
    assert.deepEqual(await value(), { pages: '1-3' })
    await page.getByRole('textbox', { name: 'JSON schema' }).fill('{"properties": {"total": {"type": "number"}}}')
    assert.deepEqual(await value(), { pages: '1-3', fields: { properties: { total: { type: 'number' } } } })
  })

  it('say beside a field what is wrong with it, and leave that out', async () => {
    await call(page, 'form', schema, { pages: '2' })
    const pages = page.getByLabel('Pages', { exact: true })
    assert.equal(await pages.inputValue(), '2')
    await pages.fill('one')
    assert.equal(await page.evaluate('JSON.stringify(parts.value)'), '{}')
    assert.equal(await pages.inputValue(), 'one')
    assert.equal(await pages.getAttribute('aria-invalid'), 'true')
    const described = (await pages.getAttribute('aria-describedby')) ?? ''
    assert.equal(await page.locator(`[id="${described.split(' ')[0]}"]`).textContent(), 'Write it as in 1-3,7,10-.')
    await call(page, 'form', schema, {}, true)
    assert.ok(await pages.isDisabled())
  })

  it('have nothing that axe finds fault with, light and dark', async () => {
    const markdown =
      '# One\n\nA [link](https://example.org) and $x^2$.\n\n$$\\sum_i x_i$$\n\n| a | b |\n|--|--|\n| 1 | 2 |\n\n![image](image_1.png)\n\n```\ncode\n```'
    const states: readonly [name: string, piece: string, ...args: unknown[]][] = [
      ['Markdown', 'markdown', markdown],
      ['a difference', 'diff', `only here ${'and in both '.repeat(30)}`, `${'and in both '.repeat(30)} only there`],
      ['the form', 'form', schema, { pages: '1', fields: ['a'] }],
    ]
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await page.evaluate(`document.documentElement.style.colorScheme = 'light dark'`)
      for (const [name, piece, ...args] of states) {
        await call(page, piece, ...args)
        const found = await page.evaluate<string[]>(
          `axe.run('main', { rules: { region: { enabled: false } } }).then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`,
        )
        assert.deepEqual(found, [], `${name}, ${colorScheme}`)
      }
    }
    await page.emulateMedia({ colorScheme: 'light' })
  })

  it('hurt no policy of the page by themselves', async () => {
    await page.evaluate(
      `globalThis.hurt = []; addEventListener('securitypolicyviolation', (event) => hurt.push(event.violatedDirective + ' ' + event.sourceFile + ':' + event.sample))`,
    )
    await show(
      page,
      String.raw`$\vec{a} \frac{1}{2} \sqrt{x} \begin{pmatrix} a \\ b \end{pmatrix} \overbrace{x} \color{red} y \xrightarrow{a} \boldsymbol{x}$`,
    )
    await until(page, `document.querySelector('.md-formula') !== null`)
    await page.evaluate(`new Promise((resolve) => setTimeout(resolve, 50))`)
    assert.deepEqual(await page.evaluate('hurt'), [])
    assert.equal(
      await page.evaluate(`getComputedStyle(document.querySelector('.katex')).fontFamily.split(',')[0]`),
      'KaTeX_Main',
    )
  })
})
