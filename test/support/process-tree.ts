// What a process and its children hold, from Linux' /proc.
import { readdirSync, readFileSync } from 'node:fs'

/** What a process and all that it has started hold now. */
export interface Held {
  /** Memory, each page of it counted once where the system says so. */
  readonly megabytes: number
  readonly processes: number
  /** Open files, sockets and pipes of the process itself. */
  readonly handles: number
}

/** Adds up what a process and its children hold; zeros once it has ended. */
export function heldBy(pid: number): Held {
  const pids = treeOf(pid)
  const kilobytes = pids.map(kilobytesOf)
  return {
    megabytes: kilobytes.reduce((sum, each) => sum + each, 0) / 1024,
    processes: pids.length,
    handles: attempt(() => readdirSync(`/proc/${pid}/fd`).length) ?? 0,
  }
}

/** Returns a process and its descendants. */
export function treeOf(pid: number): readonly number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const parent = parentOf(Number(name))
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const tree = [pid]
  for (const each of tree) tree.push(...(children.get(each) ?? []))
  return tree
}

function parentOf(pid: number): number | null {
  // The name, in parentheses, may hold anything; the state and the parent follow it.
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  return stat === null ? null : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

function kilobytesOf(pid: number): number {
  const rollup = attempt(() => readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))
  const pss = /^Pss:\s+(\d+) kB/m.exec(rollup ?? '')?.[1]
  if (pss !== undefined) return Number(pss)
  const status = attempt(() => readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status ?? '')?.[1] ?? 0)
}

/** A process may end while it is looked at. */
function attempt<Value>(read: () => Value): Value | null {
  try {
    return read()
  } catch {
    return null
  }
}
