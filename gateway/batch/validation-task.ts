import { GatewayError } from '../errors.ts'
import { indexName } from './names.ts'
import { cleanUp, endBatch, timesWith, type LifeCycleServices } from './life-cycle.ts'
import { hasEnded, type Batch, type BatchProblem } from './batch.ts'
import { isPassing } from './passing.ts'
import { validate, type Validation, type ValidationServices } from './validate.ts'
import { writeFiles, type WritingServices } from './write-files.ts'

/** What looks at a new batch. */
export type ValidationTaskServices = LifeCycleServices & ValidationServices & WritingServices

/** Looks at the input of a batch, and has its lines run; or ends it, where there is none to run. */
export async function validateBatch(id: string, services: ValidationTaskServices, signal: AbortSignal): Promise<void> {
  const { store, queue, blobs } = services
  const batch = await store.find(null, id)
  if (batch === null) return
  // A process has died in its end.
  if (hasEnded(batch)) return cleanUp(batch, services)
  // A process has died behind this step, before it said so.
  if (batch.status !== 'validating') return queue.push(batch, await store.endedLines(id))
  const found = await validated(batch, services, signal)
  if (found === null) return
  const { lines, ends, problems, model } = found
  const known = await store.change(id, ['validating'], { lines, problems, model })
  if (known !== null) {
    await store.endLines(id, ends)
    if (ends.size === lines) return refuseAll({ ...known, lines }, services, signal)
    const times = timesWith(known.times, 'inProgress')
    const begun = await store.change(id, ['validating'], { status: 'in_progress', times })
    if (begun !== null) return queue.push(begun, await store.endedLines(id))
  }
  // It was cancelled, or its time is over: what this has written is another's to remove, unless that has been here.
  const now = await store.find(null, id)
  if (now === null || hasEnded(now)) await blobs.remove([indexName(id)])
}

async function validated(
  batch: Batch,
  services: ValidationTaskServices,
  signal: AbortSignal,
): Promise<Validation | null> {
  try {
    return await validate(batch, services, signal)
  } catch (error) {
    if (!(error instanceof GatewayError) || isPassing(error)) throw error
    const { code, message, param } = error
    await endBatch(batch, 'failed', { problems: [{ code, message, param, line: null }] }, services)
    return null
  }
}

/** Of a batch with no line to run, all lines are in the error file. */
async function refuseAll(batch: Batch, services: ValidationTaskServices, signal: AbortSignal): Promise<void> {
  const { errorFileId } = await writeFiles(batch, 'batch_cancelled', services, signal)
  const problem: BatchProblem = {
    code: 'invalid_value',
    message: `None of the ${batch.lines} requests can be run: the error file says of each what is wrong with it.`,
    param: 'input_file_id',
    line: null,
  }
  await endBatch(batch, 'failed', { errorFileId, problems: [problem, ...batch.problems] }, services)
}
