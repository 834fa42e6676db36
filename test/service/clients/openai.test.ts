import { after, before, describe, it } from 'node:test'
import { startClientDesk, type ClientDesk } from '../../support/client-snippets.ts'
import { runSnippets } from '../../support/run-snippets.ts'

describe('openai for JavaScript', () => {
  let desk: ClientDesk

  before(async () => {
    desk = await startClientDesk()
  })
  after(() => desk[Symbol.asyncDispose]())

  for (const { name, run } of runSnippets('openai (JavaScript)')) it(name, () => run(desk))
})
