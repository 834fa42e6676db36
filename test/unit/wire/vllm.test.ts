import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chatChunk, textLogprobs } from '../../../gateway/wire/vllm.ts'

const rows: { name: string; choice: object; expected: number[] }[] = [
  { name: 'of one token', choice: delta('a', [{ token: 'a', logprob: -1 }]), expected: [-1] },
  {
    name: 'of a burst',
    choice: delta('ab', [
      { token: 'a', logprob: -1 },
      { token: 'b', logprob: -2 },
    ]),
    expected: [-1, -2],
  },
  { name: 'of half a letter', choice: delta('', [{ token: '', logprob: -1 }]), expected: [-1] },
  {
    name: 'without the token that ends the text',
    choice: delta('a', [{ token: 'a', logprob: -1 }, { token: '<|im_end|>', logprob: 0 }], 'stop'), // prettier-ignore
    expected: [-1],
  },
  {
    name: 'without the token that ends the text, alone',
    choice: delta('', [{ token: '</s>', logprob: 0 }], 'stop'),
    expected: [],
  },
  {
    name: 'of the last token before a stop',
    choice: delta('a', [{ token: 'a', logprob: -1 }], 'stop'),
    expected: [-1],
  },
  { name: 'of what was cut off', choice: delta('', [{ token: 'x', logprob: -1 }], 'length'), expected: [-1] },
  { name: 'of one that has none', choice: delta('a', [{ token: 'a' }]), expected: [NaN] },
  { name: 'of one that is no number', choice: delta('a', [{ token: 'a', logprob: '-1' }]), expected: [NaN] },
  { name: 'of one that is nothing', choice: delta('a', [null]), expected: [NaN] },
  { name: 'of no token', choice: delta('a', null), expected: [] },
  { name: 'of no list', choice: delta('a', { a: 1 }), expected: [] },
  { name: 'of nothing', choice: { delta: { content: 'a' } }, expected: [] },
  { name: 'of what is no object', choice: { delta: { content: 'a' }, logprobs: 'none' }, expected: [] },
]

function delta(content: string, logprobs: unknown, finishReason: string | null = null): object {
  return { delta: { content }, logprobs: { content: logprobs }, finish_reason: finishReason }
}

describe('the log probabilities of a chunk', () => {
  for (const { name, choice, expected } of rows)
    it(`are read ${name}`, () => {
      const { choices } = chatChunk.parse({ choices: [choice] })
      assert.ok(choices[0] !== undefined)
      assert.deepEqual(textLogprobs(choices[0]), expected)
    })
})
