// `npm run pictures`: takes the pictures of the playground that the docs show, with the sample and the embedded engine.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { startBrowser } from './start-browser.ts'
import { startTestGateway } from './start-gateway.ts'

const folder = join(import.meta.dirname, '../../docs/pictures')
const MAX_BYTES = 150 * 1024
const WIDE = { width: 1280, height: 800 }
const NARROW = { width: 390, height: 844 }

/** What is shown, and what is done before. */
interface Picture {
  readonly name: string
  readonly size: { readonly width: number; readonly height: number }
  readonly scheme: 'light' | 'dark'
  readonly act?: (page: Page) => Promise<void>
}

const pictures: readonly Picture[] = [
  { name: 'playground-light', size: WIDE, scheme: 'light', act: (page) => turn(page, 1) },
  { name: 'playground-dark', size: WIDE, scheme: 'dark', act: showStory },
  { name: 'playground-narrow-light', size: NARROW, scheme: 'light', act: (page) => turn(page, 1) },
  {
    name: 'playground-narrow-dark',
    size: NARROW,
    scheme: 'dark',
    act: (page) => page.getByRole('group', { name: 'Show' }).getByRole('button', { name: 'Pages' }).click(),
  },
]

await using gateway = await startTestGateway()
const browser = await startBrowser()
try {
  await mkdir(folder, { recursive: true })
  for (const picture of pictures) await take(picture, browser)
} finally {
  await browser.close()
}

async function take({ name, size, scheme, act }: Picture, browser: Browser): Promise<void> {
  const page = await browser.newPage({ viewport: size, colorScheme: scheme, reducedMotion: 'reduce' })
  await page.goto(gateway.url)
  await page.getByRole('button', { name: 'Try the sample' }).click()
  await page.locator('.view[data-phase="done"]').waitFor({ timeout: 120_000 })
  await act?.(page)
  // Formulas are typeset, and pictures drawn, once they are in view.
  await page.waitForTimeout(1000)
  await write(name, await page.screenshot())
  await page.close()
}

/** Goes on by so many pages. */
async function turn(page: Page, pages: number): Promise<void> {
  for (let turned = 0; turned < pages; turned++) await page.keyboard.press('j')
}

async function showStory(page: Page): Promise<void> {
  await page.locator('.badge').first().click()
}

/** With few colours: such pictures hold little else. */
async function write(name: string, png: Buffer): Promise<void> {
  for (const colours of [256, 128, 64]) {
    const small = await sharp(png).png({ palette: true, colours, effort: 10, compressionLevel: 9 }).toBuffer()
    if (small.length > MAX_BYTES) continue
    await writeFile(join(folder, `${name}.png`), small)
    process.stdout.write(`${name}.png: ${Math.round(small.length / 1024)} KB\n`)
    return
  }
  throw new Error(`${name}.png is larger than ${MAX_BYTES / 1024} KB`)
}
