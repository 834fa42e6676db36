import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { clientSnippets, runProgram, type ClientDesk, type Snippet } from './client-snippets.ts'

/** A piece of docs/clients.md as a test. */
export interface SnippetTest {
  readonly name: string
  readonly run: (desk: ClientDesk) => Promise<void>
}

const programs: Readonly<Record<string, { readonly command: string; readonly ending: string }>> = {
  js: { command: process.execPath, ending: 'mjs' },
  sh: { command: 'sh', ending: 'sh' },
}

/** Makes a test of each piece of code that docs/clients.md has for a client. */
export function runSnippets(client: string): SnippetTest[] {
  const snippets = Object.keys(programs)
    .flatMap(clientSnippets)
    .filter((snippet) => snippet.client === client)
  assert.notEqual(snippets.length, 0, `docs/clients.md has no code under "${client}"`)
  return snippets.map((snippet, index) => ({
    name: `runs what docs/clients.md says, ${index + 1} of ${snippets.length}`,
    run: (desk) => runSnippet(desk, snippet, index),
  }))
}

async function runSnippet(desk: ClientDesk, { language, code, prints }: Snippet, index: number): Promise<void> {
  const { command, ending } = programs[language]!
  const script = join(desk.folder, `snippet-${index}.${ending}`)
  writeFileSync(script, desk.addressed(code))
  const { status, stdout, stderr } = await runProgram(command, [script], { cwd: desk.folder })
  assert.equal(status, 0, stderr)
  for (const text of prints) assert.ok(stdout.includes(text), `It does not print ${text}: ${stdout}\n${stderr}`)
}
