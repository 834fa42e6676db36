import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

/** A block of code on a page of the docs. */
export interface DocsBlock {
  /** From the root: `docs/api.md`. */
  readonly page: string
  /** The line that its fence is on, and the heading that it stands under. */
  readonly line: number
  readonly heading: string
  readonly language: string
  readonly code: string
  /** What stands behind the language: `run`, `prints="…"`, `until="…"`, `needs="…"`, `file="…"`, `fragment`, `output`. */
  readonly marks: readonly Mark[]
  /** The block below it that is marked `output`, or null. */
  readonly output: string | null
}

export interface Mark {
  readonly name: string
  readonly value: string
}

const FENCE = /^```(?<language>\w*)(?<marks>.*)$/
const HEADING = /^#{1,4} (?<heading>.+)$/

/** Lists the pages that may have code: the README, what starts the engines, and all of docs/. */
export function docsPages(): string[] {
  const pages = globSync('docs/**/*.md', { cwd: root, exclude: ['docs/site/**'] })
  return ['README.md', 'vllm/README.md', ...pages.toSorted()]
}

/** Reads the blocks of a page. */
export function docsBlocks(page: string): DocsBlock[] {
  return blocksOf(page, readFileSync(join(root, page), 'utf8'))
}

/** Reads the blocks of a page from its text. */
export function blocksOf(page: string, markdown: string): DocsBlock[] {
  const blocks: DocsBlock[] = []
  const lines = markdown.split('\n')
  let heading = ''
  for (let at = 0; at < lines.length; at++) {
    heading = HEADING.exec(lines[at]!)?.groups?.['heading'] ?? heading
    const fence = FENCE.exec(lines[at]!)?.groups
    if (fence === undefined) continue
    const end = lines.indexOf('```', at + 1)
    if (end === -1) throw new Error(`${page}:${at + 1}: the block does not end`)
    const code = lines.slice(at + 1, end).join('\n')
    const marks = marksOf(fence['marks']!)
    const block = { page, line: at + 1, heading, language: fence['language']!, code, marks, output: null }
    const above = blocks.at(-1)
    if (isMarked(block, 'output') && above !== undefined) blocks[blocks.length - 1] = { ...above, output: code }
    blocks.push(block)
    at = end
  }
  return blocks
}

function marksOf(text: string): Mark[] {
  return [...text.matchAll(/([\w-]+)(?:="([^"]*)")?/g)].map(([, name = '', value = '']) => ({ name, value }))
}

/** Returns whether a block has a mark. */
export function isMarked(block: DocsBlock, name: string): boolean {
  return block.marks.some((mark) => mark.name === name)
}

/** Returns what a block's marks of a name say. */
export function markedWith(block: DocsBlock, name: string): string[] {
  return block.marks.filter((mark) => mark.name === name).map(({ value }) => value)
}

/** What becomes of a block when the docs are tested. */
export type Fate = 'run' | 'checked' | 'skipped' | 'forgotten'

const CODE = new Set(['sh', 'js', 'ts', 'python'])
const DATA = new Set(['json', 'yaml', 'ini', 'text'])

/** What a machine may lack that a block needs. */
export const NEEDS: ReadonlySet<string> = new Set([
  'aws',
  'docker',
  'kubernetes',
  'litellm',
  'network',
  'promtool',
  'time',
  'torch',
  'vllm',
])

/** Decides what becomes of a block: code says how it is run, or what it needs; data are parsed. */
export function fateOf(block: DocsBlock): Fate {
  if (DATA.has(block.language)) return 'checked'
  if (!CODE.has(block.language)) return 'forgotten'
  const needs = markedWith(block, 'needs')
  if (needs.length > 0) return needs.every((need) => NEEDS.has(need)) ? 'skipped' : 'forgotten'
  // Pieces of a program are put together, and run, by the test of their page.
  if (isMarked(block, 'fragment') || isMarked(block, 'file')) return 'checked'
  return ['run', 'prints', 'until'].some((name) => isMarked(block, name)) ? 'run' : 'forgotten'
}

/** Returns whether a text is what a page says comes out: `…` stands for anything, and white space does not count. */
export function isOutput(expected: string, text: string): boolean {
  const [first = '', ...rest] = bare(expected).split('…')
  let left = bare(text)
  if (!left.startsWith(first)) return false
  left = left.slice(first.length)
  const last = rest.pop()
  if (last === undefined) return left === ''
  for (const piece of rest) {
    const at = left.indexOf(piece)
    if (at === -1) return false
    left = left.slice(at + piece.length)
  }
  return left.endsWith(last)
}

const bare = (text: string) => text.replaceAll(/\s+/g, '')
