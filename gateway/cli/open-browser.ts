import { spawn } from 'node:child_process'

/** What opens an address in the browser of whoever sits at this machine. */
const OPENERS: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ['open'],
  linux: ['xdg-open'],
  win32: ['cmd', '/c', 'start', ''],
}

/** Some openers go on until the browser is closed, and have said by then what is wrong. */
const PATIENCE_MS = 3000

/** Opens an address in a browser. Returns whether that is known to have worked. */
export async function openBrowser(url: string): Promise<boolean> {
  const [command, ...parameters] = OPENERS[process.platform] ?? []
  if (command === undefined) return false
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const child = spawn(command, [...parameters, url], { stdio: 'ignore', detached: true })
  child.once('error', () => resolve(false))
  child.once('exit', (code) => resolve(code === 0))
  const timer = setTimeout(() => resolve(false), PATIENCE_MS)
  child.unref()
  return promise.finally(() => clearTimeout(timer))
}
