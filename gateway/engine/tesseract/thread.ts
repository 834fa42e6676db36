import { Worker } from 'node:worker_threads'
import type { Recognition } from './recognition.ts'

/** One worker thread with Tesseract in it. */
export interface TesseractThread {
  /** False once it has ended, for whatever reason. */
  readonly alive: boolean
  /**
   * Reads one PNG or JPEG page image; one at a time. Throws the signal's reason when aborted, and the thread's error
   * when it died. The thread has ended by then.
   */
  read(image: Uint8Array, signal: AbortSignal): Promise<Recognition>
  end(): Promise<void>
}

const ENTRY = new URL('./worker.ts', import.meta.url)

/** Starts a thread. It keeps the process alive only while it reads. */
export function startThread(): TesseractThread {
  // Its output is piped and never read: what Tesseract prints about a page must not reach the gateway's log.
  const worker = new Worker(ENTRY, { stdout: true, stderr: true })
  let alive = true
  worker.unref()
  worker.once('exit', () => (alive = false))
  // Without a listener an 'error' event would end the process. `read` has its own listeners while it waits.
  worker.on('error', () => (alive = false))

  async function end(): Promise<void> {
    alive = false
    await worker.terminate()
  }

  return {
    get alive() {
      return alive
    },
    end,
    async read(image, signal) {
      signal.throwIfAborted()
      worker.ref()
      try {
        return await ask(worker, image, signal)
      } catch (error) {
        // Tesseract cannot be stopped, and must not be used after it threw: its thread ends with the page.
        await end()
        throw error
      } finally {
        worker.unref()
      }
    },
  }
}

async function ask(worker: Worker, image: Uint8Array, signal: AbortSignal): Promise<Recognition> {
  const { promise, resolve, reject } = Promise.withResolvers<Recognition>()
  const abort = () => reject(signal.reason)
  const exit = (code: number) => reject(new Error(`The thread exited with code ${code} while it read a page`))
  worker.once('message', resolve).once('error', reject).once('exit', exit)
  signal.addEventListener('abort', abort)
  // A copy: with a view, the whole buffer beneath it would be transferred.
  const copy = Uint8Array.from(image)
  worker.postMessage(copy, [copy.buffer])
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', abort)
    worker.off('message', resolve).off('error', reject).off('exit', exit)
  }
}
