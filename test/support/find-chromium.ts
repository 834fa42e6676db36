import { existsSync } from 'node:fs'

/** Where Debian, Fedora, Alpine and macOS have a Chromium or a Chrome. */
const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** Returns the path of the browser that tests use; null where there is none. */
export function findChromium(): string | null {
  const { CHROMIUM_PATH: named } = process.env
  const places = named === undefined || named === '' ? PLACES : [named]
  return places.find((path) => existsSync(path)) ?? null
}
