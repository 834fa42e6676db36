import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isTooDense } from '../../../../gateway/engine/vllm/json-density.ts'

const times = <Entry>(count: number, entry: Entry) => Array.from({ length: count }, () => entry)
const page = (more: object) =>
  JSON.stringify({ choices: [{ index: 0, message: { content: '{[:'.repeat(9000), ...more } }] })

describe('JSON is too dense', () => {
  const dense: readonly { name: string; json: string }[] = [
    { name: 'lists', json: JSON.stringify(times(10_000, [])) },
    { name: 'objects', json: JSON.stringify(times(10_000, {})) },
    { name: 'depth', json: '['.repeat(20_000) },
    { name: 'names', json: `{${times(10_000, '"a":1').join()}}` },
    { name: 'lists behind a string with quotation marks', json: JSON.stringify(['"\\"', times(10_000, [])]) },
  ]
  for (const { name, json } of dense) it(`with ${name}`, () => assert.equal(isTooDense(json), true))
})

describe('JSON is not too dense', () => {
  const token = { token: 'a', logprob: -0.5 }
  const honest: readonly { name: string; json: string }[] = [
    { name: 'that is short', json: JSON.stringify(times(1000, [])) },
    { name: 'of a page of signs', json: page({}) },
    { name: 'of a page with the probability of each token', json: page({ logprobs: { content: times(5000, token) } }) },
    {
      name: 'of a page with bytes and alternatives for each token',
      json: page({ logprobs: { content: times(5000, { ...token, bytes: [97], top_logprobs: times(5, { ...token, bytes: [97] }) }) } }), // prettier-ignore
    },
    { name: 'of a page with its token ids', json: page({ token_ids: times(50_000, 7) }) },
    { name: 'of a string without its end', json: `"${'['.repeat(20_000)}\\` },
  ]
  for (const { name, json } of honest) it(name, () => assert.equal(isTooDense(json), false))
})
