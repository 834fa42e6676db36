import { setPriority } from 'node:os'
import { workerData } from 'node:worker_threads'
import type { OwnSettings } from './messages.ts'

// The entry of the thread that draws. Loading what it needs is most of a start, and gives way already where drawing will.

const { niceness }: OwnSettings = workerData
try {
  // On Linux it is this thread's alone.
  setPriority(niceness)
} catch {
  // A system that forbids it: it draws all the same.
}
await import('./worker.ts')
