import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readExcess } from '../../../gateway/upstream/excess.ts'

const rows: readonly { name: string; message: string; kind: string | null; share?: number }[] = [
  {
    name: 'the encoder, as of vLLM 0.30',
    message:
      'The decoder prompt contains a(n) image item with length 4200, which exceeds the pre-allocated encoder cache size 3721. Please reduce the input size.',
    kind: 'image_too_long',
    share: 3721 / 4200,
  },
  {
    name: 'the encoder, as of vLLM 0.32',
    message:
      'The decoder prompt contains a(n) image item with 4175 embedding tokens, which exceeds the pre-allocated encoder cache size 4162.',
    kind: 'image_too_long',
    share: 4162 / 4175,
  },
  { name: 'the encoder, without numbers', message: 'It exceeds the encoder cache size.', kind: 'image_too_long' },
  {
    name: 'the context, seen before the image was',
    message:
      "This model's maximum context length is 16384 tokens. However, your prompt contains at least 16385 input tokens, which exceeds this limit.",
    kind: 'too_long',
    share: 16384 / 16385 / 2,
  },
  {
    name: 'the context, seen with the image',
    message: "Input length (3053) exceeds model's maximum context length (2500).",
    kind: 'too_long',
    share: 2500 / 3053 / 2,
  },
  {
    name: 'the context, of older releases',
    message: 'The decoder prompt (length 3053) is longer than the maximum model length of 2500. Make sure that …',
    kind: 'too_long',
    share: 2500 / 3053 / 2,
  },
  {
    name: 'the context, with the answer counted in',
    message:
      "This model's maximum context length is 2000 tokens. However, you requested 2100 tokens (1500 in the messages, 600 in the completion).",
    kind: 'too_long',
    share: 2000 / 1500 / 2,
  },
  {
    name: 'the context, without the length of the prompt',
    message: "This model's maximum context length is 2000 tokens. However, you requested 2100.",
    kind: 'too_long',
  },
  { name: 'nothing of the kind', message: 'Failed to load image: cannot identify image file', kind: null },
  { name: 'nothing', message: '', kind: null },
]

describe('what a refusal says of a page that does not fit', () => {
  for (const { name, message, kind, share } of rows)
    it(name, () => {
      const excess = readExcess(message)
      assert.deepEqual([excess?.kind ?? null, excess?.tokenShare], [kind, share])
    })
})
