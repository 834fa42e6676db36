import { z } from 'zod'

const pixels = z.number().int().nonnegative()
const share = z.number().min(0).max(1).nullable()

/** What is kept of a page beside its images. */
export const sampleFacts = z.object({
  /** Random, and named after the time: the older of two comes first. */
  id: z.string(),
  /** When the page had ended: ISO 8601, UTC. */
  at: z.string(),
  /** Why the page is kept. */
  reasons: z.array(z.string()).readonly(),
  /** How it ended, as its line in a ledger says it. */
  status: z.string(),
  /** The model as it is served, the weights it says it has, and the profile it was asked by. */
  model: z.string(),
  root: z.string().nullable(),
  /** Whose the text is, where another model has written it; left out: the model's. */
  textModel: z.string().optional(),
  profile: z.string(),
  profileVersion: z.union([z.string(), z.number()]),
  task: z.string(),
  /** The text beside the image; null where the model sees the image alone. */
  prompt: z.string().nullable(),
  finishReason: z.string().nullable(),
  agreement: share,
  confidence: share,
  /** The codes of the page's warnings. */
  warnings: z.array(z.string()).readonly(),
  /** The page was read in tiles: each is an image of its own. */
  isTiled: z.boolean(),
  /** In the order in which they ended. */
  attempts: z
    .array(
      z
        .object({
          /** Its place in `images`. */
          image: z.number().int().nonnegative(),
          /** Why it did not count; null where it did. */
          reason: z.string().nullable(),
          /** As the model wrote it, up to a loop; null where the engine has failed. */
          text: z.string().nullable(),
          /** What it departed in from the profile's sampling. */
          sampling: z.record(z.string(), z.number()),
        })
        .readonly(),
    )
    .readonly(),
  /** What the page's reader got, cleaned. */
  text: z.string(),
  /** What the PDF itself says is written on the page; null where it says nothing. */
  textLayer: z.string().nullable(),
  images: z
    .array(
      z
        .object({
          mediaType: z.enum(['image/png', 'image/jpeg']),
          width: pixels,
          height: pixels,
          bytes: z.number().int().nonnegative(),
        })
        .readonly(),
    )
    .readonly(),
})

/** What is kept of a page beside its images. */
export type SampleFacts = Readonly<z.infer<typeof sampleFacts>>

/** A page that was hard to read, kept to learn from. */
export interface Sample {
  readonly facts: SampleFacts
  /** The page images as the engine was shown them, each encoded. */
  readonly images: readonly Uint8Array[]
}
