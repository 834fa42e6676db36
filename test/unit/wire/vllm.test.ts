import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { firstChoice, readChatAnswer, readWireError } from '../../../gateway/wire/vllm.ts'

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
      assert.deepEqual(firstChoice(readChatAnswer({ choices: [choice] }))?.logprobs, expected)
    })
})

describe('the choice that counts', () => {
  const said: readonly { name: string; choices: unknown; content: string | null }[] = [
    { name: 'number 0', choices: [{ index: 0, delta: { content: 'a' } }], content: 'a' },
    {
      name: 'number 0, though another comes first',
      choices: [
        { index: 1, delta: { content: 'b' } },
        { index: 0, delta: { content: 'a' } },
      ],
      content: 'a',
    },
    { name: 'none, where only others speak', choices: [{ index: 1, delta: { content: 'b' } }], content: null },
    { name: 'one without a number', choices: [{ delta: { content: 'a' } }], content: 'a' },
    { name: 'of an answer that is no stream', choices: [{ index: 0, message: { content: 'a' } }], content: 'a' },
    {
      name: 'in parts',
      choices: [{ delta: { content: [{ type: 'text', text: 'a' }, { text: 'b' }] } }],
      content: 'ab',
    },
    { name: 'nothing', choices: [{ delta: { content: null } }], content: '' },
    { name: 'none of an empty list', choices: [], content: null },
    { name: 'none of no list', choices: null, content: null },
  ]
  for (const { name, choices, content } of said)
    it(name, () => assert.equal(firstChoice(readChatAnswer({ choices }))?.content ?? null, content))

  it('is not passed over when its text cannot be read', () => {
    assert.throws(() => firstChoice(readChatAnswer({ choices: [{ delta: { content: { a: 1 } } }] })))
  })

  it('may have its text taken for thoughts, under either name', () => {
    for (const name of ['reasoning', 'reasoning_content']) {
      const answer = readChatAnswer({ choices: [{ delta: { content: null, [name]: 'a' } }] })
      assert.deepEqual([firstChoice(answer)?.content, firstChoice(answer)?.reasoning], ['', 'a'])
    }
  })
})

describe('the tokens of an answer', () => {
  const odd: readonly { name: string; tokens: unknown }[] = [
    { name: 'negative', tokens: -5 },
    { name: 'a fraction', tokens: 1.5 },
    { name: 'beyond all measure', tokens: 1e300 },
    { name: 'text', tokens: '12' },
    { name: 'missing', tokens: undefined },
  ]
  for (const { name, tokens } of odd)
    it(`are 0 where they are ${name}`, () => {
      const { usage } = readChatAnswer({ usage: { prompt_tokens: tokens, completion_tokens: 7 } })
      assert.deepEqual(usage, { prompt_tokens: 0, completion_tokens: 7 })
    })

  it('are none where the usage, or the event, is no object', () => {
    for (const event of [{ usage: 'none' }, { usage: null }, {}, [], null, 'text'])
      assert.equal(readChatAnswer(event).usage, null)
  })
})

describe('the error of a body', () => {
  const rows: readonly { name: string; body: unknown; error: object | null }[] = [
    {
      name: "vLLM's own",
      body: { error: { message: 'No.', type: 'BadRequestError', param: null, code: 400 } },
      error: { message: 'No.', type: 'BadRequestError', code: 400 },
    },
    { name: 'a string', body: { error: 'Unauthorized' }, error: { message: 'Unauthorized', type: null, code: null } },
    {
      name: 'that of older releases',
      body: { object: 'error', message: 'No.', type: 'X', code: 400 },
      error: { message: 'No.', type: 'X', code: 400 },
    },
    {
      name: 'of an unknown path',
      body: { detail: 'Not Found' },
      error: { message: 'Not Found', type: null, code: null },
    },
    { name: 'a code in a string', body: { error: { code: '503' } }, error: { message: '', type: null, code: 503 } },
    { name: 'a code in words', body: { error: { code: 'x' } }, error: { message: '', type: null, code: null } },
    { name: 'a list', body: { error: [{ message: 'a' }] }, error: { message: '', type: null, code: null } },
    { name: 'true', body: { error: true }, error: { message: '', type: null, code: null } },
    { name: 'none that is null', body: { error: null, choices: [] }, error: null },
    { name: 'none of a chunk', body: { choices: [] }, error: null },
    { name: 'none of a string', body: 'error', error: null },
  ]
  for (const { name, body, error } of rows) it(name, () => assert.deepEqual(readWireError(body), error))
})
