import { GatewayError } from '../../errors.ts'
import type { Turn } from '../../schedule/turn.ts'
import { createSlots } from '../../schedule/slots.ts'
import type { Recognition } from './recognition.ts'
import { startThread } from './thread.ts'
import type { TesseractThread } from './thread.ts'

/** Threads that read page images; those who wait take turns. */
export interface TesseractPool {
  /**
   * Reads one PNG or JPEG page image. An abort ends a wait at once, and a page being read together with its thread.
   * Throws `engine_error` when the thread died on this page, `draining` when the pool was closed. Calls `onTaken` when a
   * thread begins with it.
   */
  read(image: Uint8Array, turn: Turn, signal: AbortSignal, onTaken?: () => void): Promise<Recognition>
  /** Ends all threads and every page still waiting or being read. */
  close(): Promise<void>
}

const DIED = 'The embedded engine failed on this page; other pages are not affected. Try again, or name another model.'
const CLOSED = 'The gateway is stopping. Send the request again in a moment.'

/** Makes a pool of at most `threads` threads; each starts with the first page that finds none free, and stays. */
export function createTesseractPool(threads: number): TesseractPool {
  const closing = new AbortController()
  const slots = createSlots(() => threads)
  const alive = new Set<TesseractThread>()
  const free: TesseractThread[] = []

  function takeThread(): TesseractThread {
    const thread = free.pop() ?? startThread()
    alive.add(thread)
    return thread
  }

  function giveBack(thread: TesseractThread): void {
    if (thread.alive) free.push(thread)
    else alive.delete(thread)
  }

  return {
    async read(image, turn, signal, onTaken) {
      const stop = AbortSignal.any([signal, closing.signal])
      const release = await slots.acquire(turn, stop)
      const thread = takeThread()
      onTaken?.()
      try {
        return await thread.read(image, stop)
      } catch (error) {
        stop.throwIfAborted()
        throw new GatewayError('engine_error', DIED, { cause: error })
      } finally {
        giveBack(thread)
        release()
      }
    },
    async close() {
      closing.abort(new GatewayError('draining', CLOSED))
      await Promise.all([...alive].map((thread) => thread.end()))
    },
  }
}
