import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { GatewayProcess } from './gateway-process.ts'
import { eventually } from './within.ts'

/** Node's options for a gateway whose event loop is watched. */
export const watched = ['--import', join(import.meta.dirname, 'loop-hold.ts')]

const DEADLINE = 20_000

/** Returns the memory of a process, in megabytes: now, or the most since its peak was reset. */
export function residentMegabytes({ child }: GatewayProcess, which: 'now' | 'peak' = 'now'): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  const kilobytes = new RegExp(`${which === 'now' ? 'VmRSS' : 'VmHWM'}:\\s+(\\d+)`).exec(status)?.[1]
  return Number(kilobytes) / 1024
}

/** Forgets the peak of a process's memory. */
export function resetPeak({ child }: GatewayProcess): void {
  writeFileSync(`/proc/${child.pid}/clear_refs`, '5')
}

/** Returns for how long the event loop of a watched gateway was held at most since the last time, in milliseconds. */
export async function longestHold({ child, output }: GatewayProcess): Promise<number> {
  const before = output.stderr.length
  child.kill('SIGUSR2')
  const said = () => /held for (\d+) ms/.exec(output.stderr.slice(before))?.[1]
  await eventually(() => said() !== undefined, DEADLINE, 'the length of the hold')
  return Number(said())
}
