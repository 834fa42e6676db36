import { z } from 'zod'
import { GatewayError } from '../errors.ts'
import { BATCH_ENDPOINTS, type Batch } from './batch.ts'
import type { BatchChange } from './store.ts'

/**
 * Which rows this gateway understands. While replicas of two versions run side by side, each leaves alone what it does not:
 * the number goes up when an older gateway would do harm to a row. Tasks of such rows are in a queue of their own.
 */
export const ROW_VERSION: number = 1

const seconds = z.number()
const moment = seconds.nullable()
const text = z.string()

/** The fields of a row that are kept as JSON, each on its own: a change replaces some of them. */
const fields = {
  status: z.enum([
    'validating',
    'in_progress',
    'finalizing',
    'completed',
    'failed',
    'expired',
    'cancelling',
    'cancelled',
  ]),
  model: text.nullable(),
  times: z.object({
    created: seconds,
    inProgress: moment,
    expires: seconds,
    finalizing: moment,
    completed: moment,
    failed: moment,
    expired: moment,
    cancelling: moment,
    cancelled: moment,
  }),
  problems: z.array(
    z.object({ code: text, message: text, param: text.nullable(), line: z.number().nullable() }).readonly(),
  ),
  outputFileId: text.nullable(),
  errorFileId: text.nullable(),
  lines: z.number(),
}

const fixed = {
  id: text,
  owner: text,
  requestId: text,
  endpoint: z.enum(BATCH_ENDPOINTS),
  inputFileId: text,
  completionWindow: text,
  metadata: z.record(text, text).nullable(),
  outputSeconds: z.number().nullable(),
}

const counts = {
  completed: z.coerce.number(),
  failed: z.coerce.number(),
  inputTokens: z.coerce.number(),
  cachedTokens: z.coerce.number(),
  outputTokens: z.coerce.number(),
}

const rowSchema = z.object({ fixed: z.object(fixed), ...fields, ...counts })

/** Writes what may change, for a hash in Redis: names and values, one after the other. */
export function writeChange(change: BatchChange): string[] {
  return Object.entries(change).flatMap(([name, value]) => [name, JSON.stringify(value)])
}

/** Writes a whole batch, its counts included, as names and values, one after the other. */
export function writeRow(batch: Batch): string[] {
  const { status, model, times, problems, outputFileId, errorFileId, lines, counts: counted, usage, ...rest } = batch
  const { total: _, ...ended } = counted
  return [
    'version',
    `${ROW_VERSION}`,
    'fixed',
    JSON.stringify(rest),
    ...writeChange({ status, model, times, problems, outputFileId, errorFileId, lines }),
    ...Object.entries({ ...ended, ...usage }).flatMap(([name, value]) => [name, `${value}`]),
  ]
}

/** A row that this gateway leaves alone, and others are not held up by. */
export class LeftRow extends GatewayError {}

/**
 * Reads what Redis keeps of a batch; null: nothing. Throws a `LeftRow`: `storage_unavailable` for one of a later version, as a replica
 * that understands it answers the next try, and `internal_error` for one that is damaged.
 */
export function readRow(hash: Readonly<Record<string, string>>): Batch | null {
  const { version } = hash
  if (version === undefined) return null
  if (Number(version) > ROW_VERSION) {
    throw new LeftRow(
      'storage_unavailable',
      'A newer version of the gateway keeps this batch, and this one does not understand it. Send the request again: another replica may. Update this one, or stop it.',
    )
  }
  const { fixed: rest, completed, failed, inputTokens, cachedTokens, outputTokens, ...changing } = parsed(hash)
  return {
    ...rest,
    ...changing,
    counts: { total: changing.lines, completed, failed },
    usage: { inputTokens, cachedTokens, outputTokens },
  }
}

function parsed(hash: Readonly<Record<string, string>>): z.infer<typeof rowSchema> {
  try {
    return rowSchema.parse(Object.fromEntries(Object.entries(hash).map(([name, value]) => [name, JSON.parse(value)])))
  } catch (cause) {
    throw new LeftRow('internal_error', 'What is kept of this batch is damaged. Make another one.', { cause })
  }
}

/** Returns names and values that stand one after the other as a hash. */
export function hashOf(pairs: readonly string[]): Record<string, string> {
  const hash: Record<string, string> = {}
  for (let index = 0; index + 1 < pairs.length; index += 2) hash[pairs[index]!] = pairs[index + 1]!
  return hash
}
