import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runProgram, type ClientDesk } from '../support/client-snippets.ts'

/** What came of one script. */
export interface Row {
  readonly name: string
  readonly seconds: number
  /** Null: it printed what it should. */
  readonly problem: string | null
}

/** A script: its text, or its file beside this one. */
export interface Script {
  readonly name: string
  readonly code?: string
  readonly script?: string
  /** What it prints, at least. */
  readonly prints: readonly string[]
}

const SECONDS = 120

/** Runs a script where the documents are that it reads; it finds the gateway in its environment. */
export async function runScript(
  command: string,
  desk: ClientDesk,
  { name, code, script, prints }: Script,
): Promise<Row> {
  const path = code === undefined ? join(import.meta.dirname, script ?? '') : join(desk.folder, 'script')
  if (code !== undefined) writeFileSync(path, code)
  const start = performance.now()
  const env = { GATEWAY_URL: desk.gateway.url, GATEWAY_KEY: desk.apiKey, PYTHONDONTWRITEBYTECODE: '1' }
  const { status, stdout, stderr } = await runProgram(command, [path], { cwd: desk.folder, env, seconds: SECONDS })
  const seconds = (performance.now() - start) / 1000
  const missing = prints.filter((text) => !stdout.includes(text))
  if (status === 0 && missing.length === 0) return { name, seconds, problem: null }
  const problem = status === 0 ? `It did not print ${missing.join(', ')}.` : `It ended with ${status}.`
  return { name, seconds, problem: `${problem}\n${stdout.slice(-2000)}\n${stderr.slice(-3000)}` }
}

/** Writes rows as a table. */
export function table(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length))
  return rows
    .map(({ name, seconds, problem }) => {
      const time = `${seconds.toFixed(1).padStart(6)} s`
      return `${name.padEnd(width)}  ${time}  ${problem === null ? 'ok' : `FAILED\n${problem}`}\n`
    })
    .join('')
}
