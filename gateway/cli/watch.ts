import { stat } from 'node:fs/promises'
import { relative, resolve, sep } from 'node:path'
import { watch } from 'chokidar'
import { isDocument } from './document-kind.ts'
import { isFigure } from './figures.ts'
import type { Input } from './input.ts'
import { usage } from './options.ts'

/** Where is watched, and who is told of what cannot be. */
export interface WatchOptions {
  readonly folder: string
  readonly cwd: string
  readonly outDir: string
  /** Whether Office documents are documents. */
  readonly hasOffice: boolean
  readonly onFound: () => void
  readonly onTrouble: (message: string) => void
  readonly signal: AbortSignal
}

/** A file has arrived when it has not grown for so long. In milliseconds. */
const STABLE = 1500

/** Finds the documents of a folder, then those that come or change, when they are there as a whole. Ends with the signal. */
export async function* watchFolder(options: WatchOptions): AsyncGenerator<Input, void, undefined> {
  const { folder, cwd, outDir, signal } = options
  const root = resolve(cwd, folder)
  if (!(await stat(root).catch(() => null))?.isDirectory())
    throw usage(`--watch takes one folder, and ${folder} is none`)
  const queue = createQueue<string>(signal)
  const watcher = watch(root, {
    ignored: (path) =>
      (outDir !== root && (path === outDir || path.startsWith(outDir + sep))) ||
      /(^|[/\\])\.[^/\\]*$/.test(relative(root, path)) ||
      isFigure(relative(root, path)),
    awaitWriteFinish: { stabilityThreshold: STABLE, pollInterval: 250 },
    ignorePermissionErrors: true,
  })
  watcher.on('add', (path) => queue.add(path)).on('change', (path) => queue.add(path))
  watcher.on('error', (error) => options.onTrouble(error instanceof Error ? error.message : String(error)))
  try {
    for await (const path of queue.items()) {
      // What is gone again, or cannot be read, comes up when it changes.
      if (!(await isDocument(path, options.hasOffice).catch(() => false))) continue
      options.onFound()
      const place = relative(root, path).split(sep).join('/')
      yield { name: `${folder.replace(/[/\\]+$/, '')}/${place}`, place, source: { kind: 'file', path } }
    }
  } finally {
    await watcher.close()
  }
}

/** What comes while nobody asks waits, each once. */
function createQueue<T>(signal: AbortSignal) {
  const waiting = new Set<T>()
  let wake: (() => void) | null = null
  signal.addEventListener('abort', () => wake?.(), { once: true })
  return {
    add(item: T): void {
      waiting.add(item)
      wake?.()
    },
    async *items(): AsyncGenerator<T, void, undefined> {
      while (!signal.aborted) {
        for (const item of waiting) {
          waiting.delete(item)
          yield item
          if (signal.aborted) return
        }
        if (waiting.size === 0 && !signal.aborted) await new Promise<void>((resolve) => (wake = resolve))
      }
    },
  }
}
