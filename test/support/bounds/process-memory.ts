import { readdirSync, readFileSync } from 'node:fs'

/** What a process and all its descendants hold, in megabytes, from Linux' /proc. */
export interface TreeMemory {
  /** What is theirs: the pages of each, and the files that they share (the program itself) once. */
  readonly megabytes: number
  /** The sum of what each calls resident; what they share counts for each. */
  readonly residentMegabytes: number
  readonly processes: number
}

/** Returns the memory of a process and all its descendants; nothing when it has ended. */
export function treeMemory(root: number): TreeMemory {
  const tree = processTree(root).map(readStatus)
  const sum = (field: keyof ProcessMemory) => tree.reduce((total, one) => total + one[field], 0)
  const own = sum('anonymous') + sum('shared') + Math.max(0, ...tree.map(({ files }) => files))
  return { megabytes: own / 1024, residentMegabytes: sum('resident') / 1024, processes: tree.length }
}

/** Returns what is a process' own, without its descendants and without files, in megabytes. */
export function ownMemory(pid: number): number {
  return readStatus(pid).anonymous / 1024
}

/** Returns the ids of a process and all its descendants. */
export function processTree(root: number): number[] {
  const parents = new Map(
    readdirSync('/proc')
      .filter(isNumber)
      .map((id) => [Number(id), parentOf(id)]),
  )
  const isIn = (id: number): boolean => id === root || (parents.has(id) && isIn(parents.get(id) ?? 0))
  return [...parents.keys()].filter(isIn)
}

const isNumber = (name: string) => /^\d+$/.test(name)

function parentOf(id: string): number {
  // The name, in parentheses, may hold anything.
  const stat = readProc(`${id}/stat`)
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0)
}

interface ProcessMemory {
  readonly resident: number
  readonly anonymous: number
  readonly files: number
  readonly shared: number
}

function readStatus(id: number): ProcessMemory {
  const status = readProc(`${id}/status`)
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0)
  return { resident: field('VmRSS'), anonymous: field('RssAnon'), files: field('RssFile'), shared: field('RssShmem') }
}

/** A process may end between being listed and being read. */
function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'latin1')
  } catch {
    return ''
  }
}
