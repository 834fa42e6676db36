/** One entry of `GET /v1/models`; the fields beyond OpenAI's are vLLM's. */
export interface ModelEntry {
  readonly id: string
  readonly object: 'model'
  readonly created: number
  readonly owned_by: string
  readonly root: string
  readonly parent: string | null
  readonly max_model_len: number | null
}

/** Builds the answer of `GET /v1/models`. */
export function modelList(data: readonly ModelEntry[]): { object: 'list'; data: readonly ModelEntry[] } {
  return { object: 'list', data }
}
