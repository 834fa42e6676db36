import { z } from 'zod'

/** A request of `POST /v1/completions`, as far as the gateway looks into it. */
export const completionRequest = z.looseObject({ model: z.string().min(1) })
