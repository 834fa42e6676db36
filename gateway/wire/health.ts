import { z } from 'zod'

/** The answer of `GET /health`. */
export const healthBody = z.strictObject({ status: z.literal('ok') })

/** The answer of `GET /health`. */
export type HealthBody = z.output<typeof healthBody>

const upstreamState = z.strictObject({
  url: z.string(),
  status: z.string().describe('`ok`, or what is wrong with it, in words.'),
  warnings: z
    .array(z.string())
    .readonly()
    .optional()
    .describe('What an operator should know of a server that answers.'),
  models: z.array(z.string()).readonly().describe('Those that it last listed.'),
  breaker: z.enum(['closed', 'half-open', 'open']),
  in_flight: z.int().nonnegative().describe('Pages and passed-through requests.'),
  limit: z.number().nonnegative().describe('The most pages that all replicas send it at a time.'),
  part: z.number().nonnegative().describe('The most that this process sends it.'),
  held_back: z.literal(true).optional().describe('Pages are held back for it.'),
})

/** The answer of `GET /ready`. */
export const readiness = z.strictObject({
  status: z.enum(['ok', 'draining', 'unavailable']),
  engine: z.enum(['vllm', 'tesseract']).optional().describe('`tesseract` where there are no upstreams.'),
  upstreams: z.array(upstreamState).readonly().optional().describe('Shown to those who may see the metrics.'),
})

/** The answer of `GET /ready`. */
export type Readiness = z.output<typeof readiness>
