import type { ModelProfile, ServedModel } from './model-profile.ts'

/** A served model that reads pages. */
export type OcrModel = ServedModel & { readonly profile: ModelProfile }

/** What is asked of a model about each page image of a request. Whatever reaches the engine beside the image stands here. */
export interface Question {
  readonly model: OcrModel
  /** One of the profile's tasks. */
  readonly task: string
  /** The exact text sent beside each page image; null when the model is shown the image alone. */
  readonly prompt: string | null
  /** Whether the engine is to say how sure it is of its answer. */
  readonly confidence: boolean
}
