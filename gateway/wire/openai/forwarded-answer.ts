import { z } from 'zod'

// What an upstream has answered is passed on byte for byte: only what tells it from the gateway's own answers is said.

/** What an upstream answers to what is passed on to it; it never has the gateway's `ocr`. */
export const forwardedAnswer = z.looseObject({ ocr: z.never().optional() })

/** An error of an upstream, as vLLM and its like write it. */
export const forwardedError = z.looseObject({
  error: z
    .union([z.string(), z.looseObject({ message: z.string(), code: z.union([z.int(), z.null()]).optional() })])
    .optional(),
})
