import { GatewayError } from '../errors.ts'
import { hasEnded, type Batch } from './batch.ts'
import { cleanUp, endBatch, type LifeCycleServices } from './life-cycle.ts'
import { writeFiles, type WritingServices } from './write-files.ts'

/** What ends a batch. */
export type FinalizationServices = LifeCycleServices & WritingServices

/** Writes the files of a batch, and ends it; one that has ended is cleaned up once more. */
export async function finalizeBatch(id: string, services: FinalizationServices, signal: AbortSignal): Promise<void> {
  const batch = await services.store.find(null, id)
  if (batch === null) return
  if (hasEnded(batch)) return cleanUp(batch, services)
  if (batch.status !== 'finalizing' && batch.status !== 'cancelling') return
  const isCancelled = batch.status === 'cancelling'
  try {
    const never = isCancelled ? 'batch_cancelled' : 'batch_expired'
    const { unrun, ...files } = await writeFiles(batch, never, services, signal)
    const status = isCancelled ? 'cancelled' : unrun > 0 || batch.lines === 0 ? 'expired' : 'completed'
    const problems = batch.problems.filter(({ code }) => code !== 'storage_full')
    const hasCome = await endBatch(batch, status, { ...files, problems }, services)
    if (hasCome) return
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'storage_full') await sayFull(batch, error, services)
    throw error
  }
  // It was cancelled meanwhile: what it is now is found out anew, and what was written stands.
  return finalizeBatch(id, services, signal)
}

/** Whoever looks at the batch reads what it waits for. */
async function sayFull(
  { id, status, problems }: Batch,
  { code, message, param }: GatewayError,
  { store }: FinalizationServices,
): Promise<void> {
  if (problems.some((problem) => problem.code === code)) return
  const waits = `The files of this batch cannot be written, and it waits: ${message}`
  const full = { code, message: waits, param, line: null }
  // Where the database has no room either, the log says so.
  await store.change(id, [status], { problems: [...problems, full] }).catch(() => null)
}
