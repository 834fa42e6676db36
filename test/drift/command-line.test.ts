import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { Command } from 'commander'
import { completionScript } from '../../gateway/cli/completion.ts'
import { createProgram } from '../../gateway/cli/program.ts'

const page = readFileSync(new URL('../../docs/command-line.md', import.meta.url), 'utf8')
const nothing = async (): Promise<void> => {}
const program = createProgram('0.0.0', {
  read: nothing,
  serve: nothing,
  models: nothing,
  doctor: nothing,
  samples: nothing,
  completion: nothing,
})
const flagsOf = (command: Command): string[] =>
  command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ short, long }) => [short, long].filter((flag) => flag !== undefined))

describe('docs/command-line.md', () => {
  it('names every option of `ocr`, and no other', () => {
    const table = page.slice(page.indexOf('\n## Options\n'), page.indexOf('\n## What is read\n'))
    const cells = [...table.matchAll(/^\| (`-[^|]*)/gm)].map(([, cell = '']) => cell)
    const documented = cells.flatMap((cell) => [...cell.matchAll(/`(-[^`]*)`/g)].map(([, flag = '']) => flag))
    assert.deepEqual(documented.toSorted(), flagsOf(program).toSorted())
  })

  it('names every command, and no other', () => {
    const table = page.slice(page.indexOf('\n## Other commands\n'))
    const documented = [...table.matchAll(/^\| `ocr (\w+)`/gm)].map(([, name = '']) => name)
    assert.deepEqual(documented.toSorted(), program.commands.map((command) => command.name()).toSorted())
  })
})

describe('the help of', () => {
  for (const command of [program, ...program.commands])
    it(`${command.name()} fits a screen of 24 lines and 80 columns, with room for the prompt`, () => {
      const lines = command.helpInformation().trimEnd().split('\n')
      assert.ok(lines.length <= 23, `${lines.length} lines`)
      assert.deepEqual(
        lines.filter((line) => line.length > 80),
        [],
      )
    })
})

describe('the completion of', () => {
  for (const shell of ['bash', 'zsh', 'fish'])
    it(`${shell} knows every command and every long option`, () => {
      const script = completionScript(shell, program)
      const names = [program, ...program.commands].flatMap((command) => [command.name(), ...flagsOf(command)])
      const longs = names.filter((name) => !/^-\w$/.test(name)).map((name) => name.replace(/^--/, ''))
      assert.deepEqual(
        longs.filter((name) => !script.includes(name)),
        [],
      )
    })
})
