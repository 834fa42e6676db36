import type { EngineName } from '../engine/engine.ts'
import { createModelSlots, type ModelSlots } from '../schedule/slots.ts'

/** What decides how many pages may be drawn and read at a time. */
export interface PageSlotsOptions {
  /** Pages that the upstreams of a model take now. */
  readonly capacityOf: (modelId: string) => number
  /** Calls back when that has changed. */
  readonly onCapacityChange: (listener: () => void) => void
  readonly tesseractThreads: number
}

/**
 * Returns how many pages are drawn while others are read: answers end in bursts, and the next pages must be drawn then.
 */
const drawnAhead = (pages: number): number => Math.max(8, Math.ceil(pages / 4))

/** The slots in which pages are drawn and read, by the engine that reads them. */
export type PageSlots = Readonly<Record<EngineName, ModelSlots>>

/** Creates the slots in which pages are drawn and read, for each engine. */
export function createPageSlots(options: PageSlotsOptions): PageSlots {
  // Beside a batch interactive pages are drawn at once: so they wait in one line alone, that of the upstreams.
  const vllm = createModelSlots((modelId) => {
    const pages = options.capacityOf(modelId)
    return pages + drawnAhead(pages)
  }, drawnAhead)
  options.onCapacityChange(() => vllm.refill())
  // One page more is rasterized while all threads read.
  return { vllm, tesseract: createModelSlots(() => options.tesseractThreads + 1) }
}

/** Returns how many attempts the upstreams of a model could take now: none while a page waits for its first. */
export function spareAttempts(slots: PageSlots, spareRoom: (modelId: string) => number): (modelId: string) => number {
  return (modelId) => (slots.vllm.waiting() > 0 ? 0 : spareRoom(modelId))
}
