import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, relative, resolve, sep } from 'node:path'
import { glob, isDynamicPattern } from 'tinyglobby'
import { isFigure } from './figures.ts'
import { fileTrouble, type Found, type Input } from './input.ts'
import { walk, type WalkNotes } from './walk.ts'

/** Where documents are looked for. */
export interface Where {
  readonly cwd: string
  readonly outDir: string | null
  /** Whether the Office documents of folders are taken; left out: they are left alone. */
  readonly hasOffice?: boolean
}

interface FoundFile {
  readonly name: string
  readonly path: string
  /** The folder that was given, or the one that holds the file that was given. */
  readonly root: string
}

/** Finds the documents that arguments name: files, folders, patterns that no shell has expanded, addresses, and `-`. */
export async function findInputs(wanted: readonly string[], where: Where): Promise<Found> {
  const notes: WalkNotes = {
    unreadable: [],
    leftAlone: new Map(),
    seen: new Set(),
    hasOffice: where.hasOffice === true,
    outDir: where.outDir === null ? null : await realpath(where.outDir).catch(() => where.outDir),
  }
  const files = new Map<string, FoundFile>()
  const others: Input[] = []
  for (const argument of wanted) {
    const other = notOnDisk(argument)
    if (other !== null) others.push(other)
    // A file that is named twice is read once.
    else for await (const file of onDisk(argument, where, notes)) if (!files.has(file.path)) files.set(file.path, file)
  }
  const root = commonFolder([...files.values()].map((file) => file.root))
  const inputs = [...files.values()].map(({ name, path }): Input => {
    const place = relative(root, path).split(sep).join('/')
    return { name, place, source: { kind: 'file', path } }
  })
  return { inputs: [...inputs, ...others], unreadable: notes.unreadable, leftAlone: notes.leftAlone }
}

function notOnDisk(argument: string): Input | null {
  if (argument === '-') return { name: 'standard input', place: 'stdin', source: { kind: 'stdin' } }
  if (!/^https?:\/\//i.test(argument) || !URL.canParse(argument)) return null
  const { host, pathname } = new URL(argument)
  const names = [host, ...pathname.split('/')].map(plainName).filter((name) => name !== '')
  // A query may be a secret: it signs addresses.
  const name = argument.replace(/[?#].*$/s, '')
  return { name, place: names.join('/'), source: { kind: 'url', url: argument } }
}

/** A part of an address as the name of a file that stays where it belongs. */
function plainName(part: string): string {
  const name = decoded(part).replaceAll(/[/\\:*?"<>|\p{Cc}]/gu, '_')
  return name === '.' || name === '..' ? '_' : name
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

async function* onDisk(argument: string, where: Where, notes: WalkNotes): AsyncGenerator<FoundFile, void, undefined> {
  const path = resolve(where.cwd, argument)
  try {
    const found = await stat(path)
    if (found.isDirectory()) {
      // Texts beside their documents: the folder itself is meant, although it is the output's, too.
      const inPlace = (await realpath(path)) === notes.outDir
      for await (const file of walk(path, inPlace ? { ...notes, outDir: null } : notes))
        // Pictures that were cut out of documents: here, or in a folder that holds what another command has written.
        if (!isFigure(relative(path, file))) yield { name: nameOf(argument, path, file), path: file, root: path }
    } else yield { name: argument, path, root: dirname(path) }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const message = code === 'ENOENT' ? 'there is no such file or folder' : `cannot be read: ${fileTrouble(error)}`
    if (code === 'ENOENT' && isDynamicPattern(argument)) yield* matching(argument, where, notes)
    else notes.unreadable.push({ name: argument, message })
  }
}

function nameOf(argument: string, root: string, path: string): string {
  const within = relative(root, path)
  return argument === '.' ? within : `${argument.replace(/[/\\]+$/, '')}/${within}`
}

async function* matching(
  pattern: string,
  { cwd, outDir }: Where,
  notes: WalkNotes,
): AsyncGenerator<FoundFile, void, undefined> {
  const found = await glob(pattern, { cwd, absolute: true, expandDirectories: false })
  const root = commonFolder([resolve(cwd, fixedPart(pattern))])
  const isOutput = (path: string): boolean =>
    outDir !== null && outDir !== root && isWithin(root, outDir) && isWithin(outDir, path)
  const files = found.map((path) => resolve(path)).filter((path) => !isOutput(path) && !isFigure(relative(root, path)))
  if (files.length === 0) notes.unreadable.push({ name: pattern, message: 'matches no file' })
  for (const path of files.toSorted()) yield { name: relative(cwd, path) || basename(path), path, root }
}

const isWithin = (folder: string, path: string): boolean => relative(folder, path).split(sep)[0] !== '..'

/** The folders before the first part of a pattern that may match several. */
function fixedPart(pattern: string): string {
  const parts = pattern.split('/')
  const first = parts.findIndex((part) => isDynamicPattern(part))
  return parts.slice(0, first).join('/') || (pattern.startsWith('/') ? '/' : '.')
}

/** The deepest folder that holds all of these. */
function commonFolder(folders: readonly string[]): string {
  const [first = '', ...rest] = new Set(folders)
  const common = rest.reduce((parts, folder) => {
    const others = folder.split(sep)
    const end = parts.findIndex((part, index) => part !== others[index])
    return end === -1 ? parts : parts.slice(0, end)
  }, first.split(sep))
  return common.join(sep) || sep
}
