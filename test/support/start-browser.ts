import { chromium, type Browser } from 'playwright-core'
import { findChromium } from './find-chromium.ts'

/** Tests run as root in containers, and a browser that calls home would be no test of a machine without internet. */
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Containers give /dev/shm little room.
  '--disable-dev-shm-usage',
]

/** Starts a real browser without a window; `await using` closes it. One is enough for a file of tests: its contexts share nothing. */
export async function startBrowser(args: readonly string[] = []): Promise<Browser> {
  const executablePath = findChromium()
  if (executablePath === null) {
    throw new Error('there is no Chromium: run `npm test`, which installs it, or install it')
  }
  return chromium.launch({ executablePath, headless: true, args: [...ARGS, ...args] })
}
