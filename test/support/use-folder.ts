import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

/** Makes a folder for the tests of a suite, and removes it after them. */
export function useFolder(): { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'ocr-gateway-'))
  after(() => rmSync(path, { recursive: true, force: true }))
  return { path }
}
