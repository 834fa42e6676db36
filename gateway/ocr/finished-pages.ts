import { z } from 'zod'
import { errorCatalogue, GatewayError, type ErrorCode } from '../errors.ts'
import { pageAnswer } from '../read/page-answer.ts'
import { pageFacts } from './fields/page-facts.ts'
import { pageRoutes, type PageEnd, type PageNumber, type PageResult } from './page-event.ts'

/** The pages of one request that have ended, kept so that a request that is begun again does not read them again. */
export interface FinishedPages {
  has(page: number): boolean
  find(page: number): PageResult | null
  add(page: number, result: PageResult): Promise<void>
}

/** Returns what became of a page before, completed by what is not kept; else has it read, and notes it. */
export async function unlessFinished(
  number: PageNumber,
  finished: FinishedPages | undefined,
  read: () => Promise<PageEnd>,
  complete: (found: PageResult) => Promise<PageResult>,
): Promise<PageEnd> {
  const found = finished?.find(number.page) ?? null
  if (found !== null) return { type: 'page-end', page: number, result: await complete(found) }
  const end = await read()
  await finished?.add(number.page, end.result)
  return end
}

/** Raised when the kept shape changes: older pages are read again then. */
const VERSION = 1

const code = z.enum(Object.keys(errorCatalogue) as [ErrorCode, ...ErrorCode[]])

const verification = z.object({
  model: z.string(),
  agreement: z.number().nullable(),
  differences: z.array(
    z.object({ kind: z.enum(['number', 'missing', 'extra', 'text']), ours: z.string(), theirs: z.string() }),
  ),
  count: z.number(),
  error: code.nullable(),
  usage: pageAnswer.shape.usage,
})

const keptResult = pageAnswer.omit({ cache: true }).extend({
  v: z.literal(VERSION),
  blocks: pageAnswer.shape.blocks.default(null),
  status: z.enum(['ok', 'repaired', 'fallback', 'blank', 'failed', 'pending']),
  cache: z.enum(['hit', 'miss', 'joined', 'off']),
  fields: pageFacts.nullable().default(null),
  error: z
    .object({
      code,
      message: z.string(),
      param: z.string().nullable(),
      retry: z.boolean(),
    })
    .nullable(),
  model: z.string().optional(),
  route: z.enum(pageRoutes).optional(),
  verify: verification.optional(),
  otherUsage: pageAnswer.shape.usage.optional(),
})

/** Writes a page's result as text. Pictures are left out: they are cut out of the page again. */
export function writeResult(result: PageResult): string {
  const { error } = result
  const kept = error && { code: error.code, message: error.message, param: error.param, retry: error.retry }
  return JSON.stringify({ ...result, v: VERSION, figures: undefined, error: kept })
}

/** Reads a page's result; null for one of another version. */
export function readResult(text: string): PageResult | null {
  const { success, data } = keptResult.safeParse(JSON.parse(text))
  if (!success) return null
  const { v: _, error, fields, ...rest } = data
  const facts = fields === null ? rest : { ...rest, fields }
  if (error === null) return { ...facts, error }
  const { code, message, param, retry } = error
  return { ...facts, error: new GatewayError(code, message, { param: param ?? undefined, retry }) }
}
