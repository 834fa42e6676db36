import { after, before, describe, it } from 'node:test'
import { startClientDesk, type ClientDesk } from '../../support/client-snippets.ts'
import { runSnippets } from '../../support/run-snippets.ts'

describe('curl', () => {
  let desk: ClientDesk

  before(async () => {
    desk = await startClientDesk()
  })
  after(() => desk[Symbol.asyncDispose]())

  for (const { name, run } of runSnippets('curl')) it(name, () => run(desk))
})
