import { z } from 'zod'

/** One entry of `GET /v1/models`; the fields beyond OpenAI's are vLLM's, and the last two Mistral's. */
export const modelEntry = z.strictObject({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
  root: z.string(),
  parent: z.string().nullable().describe('The base model of a LoRA adapter.'),
  max_model_len: z.int().nullable().describe('In tokens; null for the embedded engine.'),
  type: z.literal('base').describe("Mistral's clients tell models apart by it, and refuse a list without it."),
  capabilities: z.strictObject({ completion_chat: z.boolean(), vision: z.boolean(), ocr: z.boolean() }),
})

/** One entry of `GET /v1/models`. */
export type ModelEntry = z.output<typeof modelEntry>

/** The answer of `GET /v1/models`. */
export const modelList = z.strictObject({ object: z.literal('list'), data: z.array(modelEntry).readonly() })

/** The answer of `GET /v1/models`. */
export type ModelList = z.output<typeof modelList>
