import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** How a script ended, and what it wrote, both streams together. */
export interface ScriptEnd {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
  /** Whether it was still running when its time was up. */
  readonly isLate: boolean
}

export interface ScriptOptions {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly seconds: number
  /** It runs until it has written this, and is then asked to end. */
  readonly until?: string | undefined
}

/** Runs a script to its end, or until it has written a text, and ends whatever it has started. */
export async function runScript(
  command: string,
  args: readonly string[],
  { cwd, env, seconds, until }: ScriptOptions,
): Promise<ScriptEnd> {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const written = { stdout: '', stderr: '' }
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    endGroup(child, 'SIGKILL')
  }, seconds * 1000)
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      written[name] += text
      if (until !== undefined && written[name].includes(until)) endGroup(child, 'SIGTERM')
    })
  const closed = once(child, 'close')
  const [status] = (await once(child, 'exit')) as [number | null]
  // What it has left in the background holds its streams open.
  endGroup(child, 'SIGTERM')
  await closed
  clearTimeout(timer)
  return { status, ...written, isLate }
}

function endGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid!, signal)
  } catch {
    // It has ended, and all that it had started.
  }
}
