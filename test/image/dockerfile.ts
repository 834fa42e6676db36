import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** One instruction, continued lines joined: `COPY`, and what stands behind it. */
export interface Instruction {
  readonly name: string
  readonly text: string
}

/** What stands between two FROM. */
export interface Stage {
  readonly image: string
  readonly alias: string | null
  readonly instructions: readonly Instruction[]
}

/** Reads a Dockerfile's stages. */
export function readStages(dockerfile: string): Stage[] {
  const lines = dockerfile.replaceAll(/^\s*#.*\n/gm, '').replaceAll(/\\\n\s*/g, '')
  const instructions = [...lines.matchAll(/^([A-Z]+) (.+)$/gm)].map(([, name = '', text = '']) => ({ name, text }))
  const starts = instructions.flatMap(({ name }, index) => (name === 'FROM' ? [index] : []))
  return starts.map((start, index) => {
    const [, image = '', alias] = /^(\S+)(?: AS (\S+))?$/.exec(instructions[start]?.text ?? '') ?? []
    return { image, alias: alias ?? null, instructions: instructions.slice(start + 1, starts[index + 1]) }
  })
}

/** `NAME=value NAME=value`, as ENV has them. */
export const readEnvironment = (text: string): Record<string, string> =>
  Object.fromEntries(
    text.split(' ').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  )

/** `["node", "main.ts"]`, as CMD has it and HEALTHCHECK behind its options. */
export const readCommand = (text: string): string[] => JSON.parse(text.slice(text.indexOf('['))) as string[]

/** Copies what .dockerignore lets through; it has to say first that nothing is, then what is, and what of that is not. */
export function copyContext(from: string, to: string): void {
  const [first, ...rest] = readFileSync(join(from, '.dockerignore'), 'utf8').split('\n').filter((line) => /^[^#]/.test(line)) // prettier-ignore
  const paths = rest.filter((line) => /^![\w.-]+$/.test(line)).map((line) => line.slice(1))
  const left = rest.slice(paths.length)
  if (first !== '*' || !left.every((line) => paths.some((path) => line.startsWith(`${path}/`))))
    throw new Error(
      '.dockerignore is read only where it is `*`, then `!path` for each path, then what is left out of these',
    )
  mkdirSync(to, { recursive: true })
  for (const path of paths)
    if (existsSync(join(from, path))) cpSync(join(from, path), join(to, path), { recursive: true })
  for (const path of left) rmSync(join(to, path), { recursive: true, force: true })
}

/** Does what COPY does: of the context, or of another stage's root. */
export function copyInto(root: string, directory: string, text: string, sources: ReadonlyMap<string, string>): void {
  const [, stage, rest = text] = /^--from=(\S+) (.+)$/.exec(text) ?? []
  const paths = rest.split(' ')
  const target = paths.pop() ?? '.'
  const source = sources.get(stage ?? '')
  if (source === undefined) throw new Error(`COPY is of a stage that there is not: ${text}`)
  const into = join(root, resolve(directory, target))
  for (const path of paths) {
    const isFolderTarget = target.endsWith('/') || target === '.'
    const name = isFolderTarget ? join(into, path) : into
    mkdirSync(dirname(name), { recursive: true })
    cpSync(join(source, path), name, { recursive: true, verbatimSymlinks: true })
  }
}
