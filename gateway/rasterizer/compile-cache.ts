import { lstatSync, mkdirSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

/** Nobody else may write there: what lies there is run. */
const OWNER_ALONE = 0o700
const OTHERS_MAY_WRITE = 0o022

/**
 * Returns the folder where Node keeps the code of drawers as it has compiled it: with it, one starts in 0.13 s and not in
 * 0.35 s, and takes 30 MB less. Null where there can be none; drawers start all the same then.
 */
export function compileCacheFolder(): string | null {
  try {
    // Throws for a user whom the system does not know, as those are that OpenShift runs images as.
    const { uid } = userInfo()
    const folder = join(tmpdir(), `ocr-gateway-${uid}`)
    mkdirSync(folder, { mode: OWNER_ALONE, recursive: true })
    const found = lstatSync(folder)
    const isOurs = found.isDirectory() && (uid < 0 || found.uid === uid) && (found.mode & OTHERS_MAY_WRITE) === 0
    return isOurs ? folder : null
  } catch {
    return null
  }
}
