import { encodeSample } from './sample-file.ts'
import {
  listSamples,
  newSampleId,
  removeSampleFile,
  sweepSamples,
  writeSampleFile,
  type SampleEntry,
} from './sample-folder.ts'
import type { Sample } from './sample.ts'

/** A sample that has no name yet. */
export type NewSample = Omit<Sample, 'facts'> & { readonly facts: Omit<Sample['facts'], 'id' | 'at'> }

/** Keeps samples, beside the work and never in its way. */
export interface SampleKeeper {
  /** Takes a sample, or leaves it; says nothing of either, and throws nothing. */
  offer(sample: NewSample): void
  /** Resolves when what was taken is written. */
  close(): Promise<void>
}

/** What became of a sample that was taken, or left because others wait. */
export type SampleOutcome = 'kept' | 'dropped' | 'failed'

/** How samples are kept. */
export interface KeeperOptions {
  readonly folder: string
  /** The share of the pages that are offered. */
  readonly rate: number
  /** Of all files together; the oldest go first. */
  readonly maxBytes: number
  /** Null: they are not encrypted. */
  readonly key: Uint8Array | null
  readonly onEnd: (outcome: SampleOutcome, error?: unknown) => void
  readonly now?: () => number
  readonly random?: () => number
}

/** Samples that wait for the disk. */
const MAX_WAITING = 32
const MAX_WAITING_BYTES = 64 * 1024 * 1024
/** Of one of them: what is larger would be encrypted for longer than others should wait. */
const MAX_SAMPLE_BYTES = 32 * 1024 * 1024
/** The folder may be changed by others: its contents are looked at again after so long. */
const LOOK_AGAIN_MS = 60_000

/** Creates what keeps samples. Nothing is written before the first one. */
export function createSampleKeeper(options: KeeperOptions): SampleKeeper {
  const { rate, onEnd, now = Date.now, random = Math.random } = options
  const waiting: NewSample[] = []
  const room = createRoom(options, now)
  let waitingBytes = 0
  let work: Promise<void> | null = null
  let isClosed = false

  async function write(): Promise<void> {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      try {
        const at = now()
        const id = newSampleId(at)
        const facts = { id, at: new Date(at).toISOString(), ...next.facts }
        const bytes = encodeSample({ facts, images: next.images }, options.key)
        if (await room.make(bytes.length)) {
          await writeSampleFile(options.folder, id, bytes)
          room.took({ id, bytes: bytes.length })
          onEnd('kept')
        } else onEnd('dropped')
      } catch (error) {
        onEnd('failed', error)
      }
      waiting.shift()
      waitingBytes -= sizeOf(next)
    }
    work = null
  }

  return {
    offer(sample) {
      if (isClosed || random() >= rate) return
      const bytes = sizeOf(sample)
      const isTooMuch = bytes > MAX_SAMPLE_BYTES || waitingBytes + bytes > MAX_WAITING_BYTES
      if (isTooMuch || waiting.length >= MAX_WAITING) {
        onEnd('dropped')
        return
      }
      waiting.push(sample)
      waitingBytes += bytes
      work ??= write()
    },
    async close() {
      isClosed = true
      await work
    },
  }
}

const sizeOf = ({ images, facts }: NewSample): number =>
  images.reduce((sum, { length }) => sum + length, 0) + 2 * facts.text.length

/** The room of the folder. */
function createRoom({ folder, maxBytes }: KeeperOptions, now: () => number) {
  let entries: SampleEntry[] = []
  let lookedAt = -Infinity
  return {
    /** Removes the oldest until so many bytes fit; false where they never do. */
    async make(bytes: number): Promise<boolean> {
      if (bytes > maxBytes) return false
      if (now() - lookedAt > LOOK_AGAIN_MS) {
        lookedAt = now()
        await sweepSamples(folder, now())
        entries = await listSamples(folder)
      }
      let sum = bytes + entries.reduce((total, entry) => total + entry.bytes, 0)
      while (sum > maxBytes) {
        const oldest = entries.shift()!
        sum -= oldest.bytes
        await removeSampleFile(folder, oldest.id)
      }
      return true
    },
    took: (entry: SampleEntry) => void entries.push(entry),
  }
}
