import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTokenReader } from '../../../gateway/usage/said-tokens.ts'

const usage = { prompt_tokens: 14, total_tokens: 18, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 3 } }
const said = { promptTokens: 14, cachedTokens: 3, completionTokens: 4 }
const filler = 'x'.repeat(50_000)

const answers: readonly { readonly name: string; readonly text: string; readonly tokens: typeof said | null }[] = [
  {
    name: 'a chat',
    text: JSON.stringify({ choices: [{ message: { content: filler } }], usage, prompt_logprobs: null }),
    tokens: said,
  },
  {
    name: 'a stream that says it in its last chunk',
    text: `data: ${JSON.stringify({ choices: [{ delta: { content: filler } }], usage: null })}\n\ndata: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]\n\n`,
    tokens: said,
  },
  {
    name: 'a stream that does not say it',
    text: `data: ${JSON.stringify({ choices: [{ delta: { content: 'a' } }], usage: null })}\n\ndata: [DONE]\n\n`,
    tokens: null,
  },
  {
    name: 'a text that speaks of it',
    text: JSON.stringify({ usage: { ...usage }, choices: [{ message: { content: JSON.stringify({ usage: { prompt_tokens: 999 } }) } }] }), // prettier-ignore
    tokens: said,
  },
  {
    name: 'a response',
    text: JSON.stringify({
      output: [filler],
      usage: {
        input_tokens: 14,
        input_tokens_details: { cached_tokens: 3 },
        output_tokens: 4,
        output_tokens_details: {},
      },
      user: null,
    }),
    tokens: said,
  },
  { name: 'an error', text: '{"error": {"message": "no"}}', tokens: null },
  { name: 'what broke off', text: '{"usage":{"prompt_tokens":1', tokens: null },
  { name: 'nothing', text: '', tokens: null },
]

describe('the tokens that an answer says', () => {
  for (const { name, text, tokens } of answers) {
    for (const size of [7, 1000, 100_000])
      it(`are found in ${name}, in pieces of ${size} bytes`, () => {
        const reader = createTokenReader()
        const bytes = Buffer.from(text)
        for (let at = 0; at < bytes.length; at += size) reader.read(bytes.subarray(at, at + size))
        assert.deepEqual(reader.tokens(), tokens)
      })
  }
})
