import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ChatCompletion, ChatCompletionChunk, Model } from 'openai/resources'
import type { ChatChunk, ChatCompletion as OurCompletion } from '../../../gateway/wire/openai/chat-completion.ts'
import type { ModelEntry } from '../../../gateway/wire/openai/models.ts'

/** As JSON has it: a field that is left out is undefined, and nobody writes to it. */
type Read<Type> = Type extends readonly (infer Item)[]
  ? readonly Read<Item>[]
  : Type extends object
    ? { readonly [Name in keyof Type]: Read<Type[Name]> | (object extends Pick<Type, Name> ? undefined : never) }
    : Type

// The types of the official client, which it does not check when it runs: `tsc` does, here.
const official = {
  completion: (ours: OurCompletion): Read<ChatCompletion> => ours,
  chunk: (ours: ChatChunk): Read<ChatCompletionChunk> => ours,
  model: (ours: ModelEntry): Read<Model> => ours,
}

describe('what the gateway answers', () => {
  it('has the types that the official client promises to its users', () => {
    assert.deepEqual(Object.keys(official), ['completion', 'chunk', 'model'])
  })
})
