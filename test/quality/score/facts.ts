import { z } from 'zod'
import { readFormula } from './formula-tree.ts'
import { pointsOf } from './indel.ts'
import { normalizeText, strip } from './normalize-text.ts'

// Facts as olmOCR-bench writes them, one JSON object a line (olmocr/bench/tests.py of https://github.com/allenai/olmocr
// at commit f7cfe4c, Apache-2.0). Fields that do not apply may be null.

/** The types of facts that are judged, in the order of reports. */
export const factTypes = ['present', 'absent', 'order', 'table', 'math', 'baseline'] as const

/** A type of fact. */
export type FactType = (typeof factTypes)[number]

const count = z.int().nonnegative()
const optional = <Schema extends z.ZodType>(schema: Schema, value: z.output<Schema>) =>
  schema.nullish().transform((given) => given ?? value)

const common = {
  /** Relative to the folder of documents. */
  pdf: z.string().min(1),
  /** From 1; 0 is the whole document, which olmOCR-bench does not know. */
  page: count,
  id: z.string().min(1),
  max_diffs: optional(count, 0),
  checked: z.enum(['verified', 'rejected']).nullish(),
  /** What the gateway does that this fact is about, in facts of this project's own. */
  about: z.string().optional(),
}

const text = z
  .string()
  .transform(normalizeText)
  .refine((normalized) => strip(normalized) !== '', 'is empty')
const cell = optional(z.string(), '').transform(normalizeText)

const textFact = z.object({
  ...common,
  type: z.enum(['present', 'absent']),
  text,
  case_sensitive: optional(z.boolean(), true),
  first_n: optional(count, 0),
  last_n: optional(count, 0),
})

const orderFact = z
  .object({ ...common, type: z.literal('order'), before: text, after: text })
  .refine(
    ({ max_diffs: most, before, after }) =>
      most <= Math.floor(Math.min(pointsOf(before).length, pointsOf(after).length) / 2),
    'max_diffs is more than half of a text',
  )

const tableFact = z.object({
  ...common,
  type: z.literal('table'),
  cell: z.string().transform(normalizeText),
  up: cell,
  down: cell,
  left: cell,
  right: cell,
  top_heading: cell,
  left_heading: cell,
  ignore_markdown_tables: optional(z.boolean(), false),
})

const mathFact = z.object({
  ...common,
  type: z.literal('math'),
  math: z.string().refine((math) => readFormula(math) !== null, 'is no formula for KaTeX'),
  ignore_dollar_delimited: optional(z.boolean(), false),
})

const baselineFact = z.object({
  ...common,
  type: z.literal('baseline'),
  max_length: count.nullish(),
  max_length_skips_image_alt_tags: optional(z.boolean(), false),
  max_repeats: optional(count, 30),
  check_disallowed_characters: optional(z.boolean(), true),
})

const schemas = {
  present: textFact,
  absent: textFact,
  order: orderFact,
  table: tableFact,
  math: mathFact,
  baseline: baselineFact,
} as const satisfies Record<FactType, z.ZodType>

/** One thing that is known of a page's text. */
export type Fact = z.output<(typeof schemas)[FactType]>

/** The facts of a file, and what became of its other lines. */
export interface ReadFacts {
  readonly facts: readonly Fact[]
  /** Lines that are not judged, and why. */
  readonly refused: readonly { readonly line: number; readonly why: string }[]
}

/** Reads a file of facts, one JSON object a line. */
export function readFacts(jsonl: string): ReadFacts {
  const facts: Fact[] = []
  const refused: { line: number; why: string }[] = []
  jsonl.split('\n').forEach((json, index) => {
    if (json.trim() === '') return
    try {
      facts.push(readFact(JSON.parse(json)))
    } catch (error) {
      refused.push({ line: index + 1, why: error instanceof Error ? error.message : String(error) })
    }
  })
  return { facts, refused }
}

/** Reads one fact. Throws an Error that says what is wrong with it. */
export function readFact(written: unknown): Fact {
  const { type } = z.object({ type: z.string() }).parse(written)
  if (!isFactType(type)) throw new Error(`facts of the type "${type}" are not judged`)
  const { success, data, error } = schemas[type].safeParse(written)
  if (success) return data
  throw new Error(z.prettifyError(error))
}

function isFactType(type: string): type is FactType {
  return (factTypes as readonly string[]).includes(type)
}
