import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

const MAX_PICTURE_BYTES = 64 * 1024 * 1024

/** A PDF on disk, with the password that opens it. */
export interface PdfFile {
  readonly path: string
  readonly password: string | null
}

/** Returns the version of `pdftoppm`, or null when it is not installed. */
export async function popplerVersion(): Promise<string | null> {
  try {
    const { stderr } = await execute('pdftoppm', ['-v'])
    return /version (\S+)/.exec(stderr)?.[1] ?? 'unknown'
  } catch {
    return null
  }
}

/**
 * Draws a page with `pdftoppm`, as PNG: within its crop box, as the gateway does. Null when poppler cannot, or draws
 * nothing before the signal.
 */
export async function drawWithPoppler(
  { path, password }: PdfFile,
  page: number,
  longestEdge: number,
  signal: AbortSignal,
): Promise<Uint8Array | null> {
  const options = ['-png', '-cropbox', '-singlefile', '-f', String(page), '-scale-to', String(longestEdge)]
  const unlock = password === null ? [] : ['-upw', password]
  try {
    const { stdout } = await execute('pdftoppm', [...options, ...unlock, path], {
      encoding: 'buffer',
      maxBuffer: MAX_PICTURE_BYTES,
      signal,
    })
    return stdout.length === 0 ? null : stdout
  } catch {
    return null
  }
}
