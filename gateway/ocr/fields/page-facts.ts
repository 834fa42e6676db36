import { z } from 'zod'

/** What is known of the values in a page's answer, beside the answer itself. */
export const pageFacts = z
  .object({
    /** Something of the answer was not whole, and is left out. */
    isCut: z.boolean(),
    /** The name whose value has only what was whole of it; null: none has. */
    cutIn: z.string().nullable(),
    /** How sure the model was of each value, by its JSON pointer; of one that is not here, that is not known. */
    confidences: z.record(z.string(), z.number().min(0).max(1)),
    /** JSON pointers of values that are right since the model was asked again. */
    repaired: z.array(z.string()).readonly(),
    /** A value is wrong or cut for good, can mean two things, or the model was less sure of it than is asked for; left out: none is. */
    isDoubtful: z.boolean().optional(),
  })
  .readonly()

/** What is known of the values in a page's answer, beside the answer itself. */
export type PageFacts = z.infer<typeof pageFacts>
