import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runProgram } from '../support/client-snippets.ts'

const INSTALL_SECONDS = 600

/** Makes a virtual environment of a list of packages, unless it is there, and returns its Python. */
export async function install(folder: string, requirements: string): Promise<string> {
  const python = join(folder, 'bin/python')
  if (!existsSync(python)) await must('python3', ['-m', 'venv', folder])
  const packages = ['--quiet', '--disable-pip-version-check', '-r', join(import.meta.dirname, requirements)]
  await must(python, ['-m', 'pip', 'install', ...packages])
  return python
}

async function must(command: string, args: readonly string[]): Promise<void> {
  const { status, stderr } = await runProgram(command, args, { cwd: tmpdir(), seconds: INSTALL_SECONDS })
  if (status !== 0) throw new Error(`${[command, ...args].join(' ')} failed with ${status}:\n${stderr}`)
}
