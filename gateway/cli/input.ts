/** A document that is to be read. */
export interface Input {
  /** As the user wrote it, or would. */
  readonly name: string
  /** Where it stands below what was given, with `/`: its place in the output folder. */
  readonly place: string
  readonly source: FileSource | UrlSource | StdinSource
}

/** A document on the disk. */
export interface FileSource {
  readonly kind: 'file'
  /** Absolute. */
  readonly path: string
}

interface UrlSource {
  readonly kind: 'url'
  readonly url: string
}

interface StdinSource {
  readonly kind: 'stdin'
}

/** What could not be looked at. */
export interface Unreadable {
  readonly name: string
  readonly message: string
}

/** What was found where somebody asked to look. */
export interface Found {
  readonly inputs: readonly Input[]
  readonly unreadable: readonly Unreadable[]
  /** How many files of folders are no documents, by their ending. */
  readonly leftAlone: ReadonlyMap<string, number>
}

/** Says what the system's error means. */
export function fileTrouble(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return TROUBLES[code ?? ''] ?? message
}

const TROUBLES: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there (any more)',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ELOOP: 'its links lead in a circle',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is no folder',
  ENAMETOOLONG: 'its name is too long',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many files are open; raise `ulimit -n`',
  EIO: 'the disk has failed to read it',
}
