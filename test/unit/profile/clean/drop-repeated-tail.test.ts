import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dropRepeatedTail } from '../../../../gateway/profile/clean/drop-repeated-tail.ts'

const rule = { minLength: 100, minRepeats: 10 }
const start = 'The quick brown fox jumps over the lazy dog and reads every page of the report twice. '

describe('an end that repeats', () => {
  const dropped = [
    { name: 'ten times', raw: start + 'again. '.repeat(10), text: start + 'again. ' },
    { name: 'a thousand times', raw: start + 'again. '.repeat(1000), text: start + 'again. ' },
    { name: 'from the beginning', raw: 'again. '.repeat(50), text: 'again. ' },
    { name: 'in rows', raw: start + '<tr><td>0</td></tr>\n'.repeat(20), text: start + '<tr><td>0</td></tr>\n' },
  ]
  for (const { name, raw, text } of dropped)
    it(`is kept once: ${name}`, () => {
      assert.equal(dropRepeatedTail(raw, rule), text)
      assert.equal(dropRepeatedTail(text, rule), text)
    })

  const kept = [
    { name: 'nine times', text: start + 'again. '.repeat(9) },
    { name: 'in a short answer', text: 'no '.repeat(30) },
    { name: 'in the middle', text: start + 'again. '.repeat(50) + 'The end.' },
    { name: 'almost', text: start + Array.from({ length: 30 }, (_, row) => `| ${row} | 0 |\n`).join('') },
    { name: 'nowhere, in an empty answer', text: '' },
  ]
  for (const { name, text } of kept)
    it(`is left alone: ${name}`, () => assert.equal(dropRepeatedTail(text, rule), text))
})
