import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Part } from '../../../gateway/request/content-part.ts'
import { askedOf } from '../../../gateway/request/conversation.ts'

const document = (data: string): Part => ({
  kind: 'document',
  data,
  isId: false,
  param: data,
  filename: null,
  mediaType: null,
})
const text = (said: string): Part => ({ kind: 'text', text: said })

/** `user A b` is a user message with document A and text b. */
const conversation = (...messages: readonly string[]) =>
  messages.map((message) => {
    const [role = '', ...parts] = message.split(' ')
    return { role, parts: parts.map((part) => (/[A-Z]/.test(part) ? document(part) : text(part))) }
  })

const asked = (messages: readonly string[], which: 'last' | 'all') => {
  const { documents, texts, leftOut } = askedOf(conversation(...messages), which)
  return [documents.map(({ data }) => data).join(''), texts.join(' ').trim(), leftOut]
}

describe('what of a conversation is asked', () => {
  for (const { name, messages, last, all } of [
    { name: 'one message', messages: ['user a A b B'], last: ['AB', 'a b', 0], all: ['AB', 'a b', 0] },
    {
      name: 'a document, an answer, and another document',
      messages: ['user A a', 'assistant x', 'user B b'],
      last: ['B', 'b', 1],
      all: ['AB', 'a b', 0],
    },
    {
      name: 'another question about the same document',
      messages: ['user A a', 'assistant x', 'user b'],
      last: ['A', 'a b', 0],
      all: ['A', 'a b', 0],
    },
    {
      name: 'a question before its document, in two messages',
      messages: ['user z', 'assistant x', 'user a', 'user A', 'user b'],
      last: ['A', 'a b', 0],
      all: ['A', 'z a b', 0],
    },
    {
      name: 'instructions, wherever they stand',
      messages: ['system s', 'user A a', 'assistant x', 'developer d', 'user B'],
      last: ['B', 's d', 1],
      all: ['AB', 's a d', 0],
    },
    {
      name: 'documents of other roles beside those of a user',
      messages: ['system S', 'user A', 'tool T', 'assistant B'],
      last: ['A', '', 3],
      all: ['SATB', '', 0],
    },
    {
      name: 'documents of other roles alone',
      messages: ['system S s', 'tool T', 'user a'],
      last: ['T', 's a', 1],
      all: ['ST', 's a', 0],
    },
    { name: 'no document', messages: ['user a', 'assistant x', 'user b'], last: ['', 'a b', 0], all: ['', 'a b', 0] },
  ] as const) {
    it(name, () => {
      assert.deepEqual(asked(messages, 'last'), last)
      assert.deepEqual(asked(messages, 'all'), all)
    })
  }
})
