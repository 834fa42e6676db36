import type { ServedModel } from '../profile/model-profile.ts'

/** A body that need not be parsed whole: without its documents it says what is to be done with it. */
export interface RequestBody {
  /** What the body says, with an ellipsis in place of long strings. */
  readonly outline: unknown
  readonly value: () => unknown
}

/** What reading a request needs beside its body. */
export interface RequestContext {
  readonly requestId: string
  /** The name of the caller's API key; null for anyone. */
  readonly key: string | null
  /** How long the client waits for a whole answer, in seconds from now; null when it does not say. */
  readonly patienceSeconds: number | null
  readonly maxDocumentBytes: number
  /** Finds the model of a name; throws `model_not_found`. */
  readonly findModel: (name: string) => Promise<ServedModel>
}
