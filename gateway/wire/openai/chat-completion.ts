/** Token counts of a completion, as OpenAI names them. */
export interface CompletionUsage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
  readonly prompt_tokens_details: { readonly cached_tokens: number }
}

/** Why a completion ended. */
export type FinishReason = 'stop' | 'length'

/** What every object of one completion shares. */
export interface CompletionHead {
  readonly id: string
  /** Unix time, seconds. */
  readonly created: number
  readonly model: string
}

/** Starts a completion: an id and the time. */
export function completionHead(model: string): CompletionHead {
  return { id: `chatcmpl-${crypto.randomUUID().replaceAll('-', '')}`, created: Math.floor(Date.now() / 1000), model }
}

/** Builds the whole completion of a request that was not streamed. `extension` holds the gateway's own top-level fields. */
export function chatCompletion(
  head: CompletionHead,
  content: string,
  finishReason: FinishReason,
  usage: CompletionUsage,
  extension: object,
): object {
  return {
    id: head.id,
    object: 'chat.completion',
    created: head.created,
    model: head.model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content, refusal: null },
        logprobs: null,
        finish_reason: finishReason,
      },
    ],
    usage,
    ...extension,
  }
}

/** Builds one chunk of a streamed completion. */
export function chatChunk(
  head: CompletionHead,
  delta: { readonly role?: 'assistant'; readonly content?: string },
  finishReason: FinishReason | null,
  extension: object = {},
): object {
  return {
    ...chunkHead(head),
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    ...extension,
  }
}

/** Builds the extra chunk that `stream_options.include_usage` asks for. */
export function usageChunk(head: CompletionHead, usage: CompletionUsage, extension: object = {}): object {
  return { ...chunkHead(head), choices: [], usage, ...extension }
}

function chunkHead({ id, created, model }: CompletionHead): object {
  return { id, object: 'chat.completion.chunk', created, model }
}
