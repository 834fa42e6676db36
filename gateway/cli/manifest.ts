import { createReadStream } from 'node:fs'
import { open, rename, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'

/** What became of a document. Names are those of the file, which other programs read. */
const entrySchema = z.object({
  /** Where the document stood, below what was given. */
  path: z.string(),
  /** Its absolute path; of an address only a hash, because addresses may hold secrets. */
  source: z.string(),
  sha256: z.string().nullable(),
  bytes: z.number().nullable(),
  /** When the file was changed last, in milliseconds. */
  modified: z.number().nullable(),
  /** A hash of everything that was asked for. */
  options: z.string(),
  /** Which model has read it. */
  model: z.string().nullable(),
  /** `partial`: some pages have failed. */
  status: z.enum(['done', 'partial', 'failed']),
  pages: z.number(),
  /** The pages whose status is not `ok`. */
  not_ok: z.array(z.object({ page: z.number(), status: z.string(), code: z.string().optional() })),
  /** Below the folder of the manifest. */
  output: z.string().nullable(),
  /** The files of its pictures; left out where it has none. */
  figures: z.array(z.string()).optional(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  at: z.string(),
  seconds: z.number(),
  prompt_tokens: z.number(),
  completion_tokens: z.number(),
})

/** A line of the manifest. */
export type Entry = z.output<typeof entrySchema>

/** What is known of the documents that a folder's contents come from. */
export interface Manifest extends AsyncDisposable {
  /** What became of a content under some options, the place itself first; the last word on each place. */
  find(content: string, options: string, place: string): readonly Entry[]
  /** The hash of a file that has not changed since it was read; null: it must be hashed. */
  unchanged(file: { readonly source: string; readonly bytes: number; readonly modified: number }): string | null
  /** Adds a line; it is on the disk when this resolves. */
  append(entry: Entry): Promise<void>
}

const NAME = 'ocr-manifest.jsonl'

/** Opens the manifest of a folder, for reading alone where nothing will be written; `anew` puts an older one aside. */
export async function openManifest(
  folder: string,
  { anew, readOnly }: { readonly anew: boolean; readonly readOnly: boolean },
): Promise<Manifest> {
  const path = join(folder, NAME)
  if (anew && !readOnly) await rename(path, `${path}.old`).catch(ignoreMissing)
  const known = createKnown()
  if (!anew) for await (const entry of readEntries(path)) known.add(entry)
  const file = readOnly ? null : await openForLines(path)
  let last: Promise<void> = Promise.resolve()
  return {
    ...known,
    append(entry) {
      known.add(entry)
      // One after the other, and each on the disk before the next document is called done.
      const written = last.then(() => appendLine(file, JSON.stringify(entry)))
      last = written.catch(() => {})
      return written
    },
    async [Symbol.asyncDispose]() {
      await last
      await file?.close()
    },
  }
}

function createKnown() {
  const contents = new Map<string, Map<string, Entry>>()
  const files = new Map<string, Pick<Entry, 'sha256' | 'bytes' | 'modified'>>()
  return {
    add(entry: Entry): void {
      const { sha256, source, bytes, modified, path } = entry
      files.set(source, { sha256, bytes, modified })
      // What is not known by its content, an address, is known by its name.
      const key = `${sha256 === null || source.startsWith('url:') ? source : sha256} ${entry.options}`
      const places = contents.get(key) ?? new Map<string, Entry>()
      contents.set(key, places.set(path, entry))
    },
    find(content: string, options: string, place: string): readonly Entry[] {
      const places = contents.get(`${content} ${options}`)
      const own = places?.get(place)
      const others = [...(places?.values() ?? [])].filter((entry) => entry !== own)
      return own === undefined ? others : [own, ...others]
    },
    unchanged({ source, bytes, modified }: Parameters<Manifest['unchanged']>[0]): string | null {
      const file = files.get(source)
      return file?.bytes === bytes && file.modified === modified ? file.sha256 : null
    },
  }
}

/** The last line may be half, and any line may be somebody else's: what cannot be read is not known. */
async function* readEntries(path: string): AsyncGenerator<Entry, void, undefined> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity })
  try {
    for await (const line of lines) {
      const parsed = entrySchema.safeParse(parseLine(line))
      if (parsed.success) yield parsed.data
    }
  } catch (error) {
    ignoreMissing(error)
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}

async function openForLines(path: string): Promise<FileHandle> {
  const file = await open(path, 'a+')
  const { size } = await file.stat()
  if (size === 0) return file
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
  // A process that was killed may have left half a line.
  if (buffer.toString() !== '\n') await file.appendFile('\n')
  return file
}

async function appendLine(file: FileHandle | null, line: string): Promise<void> {
  await file?.appendFile(`${line}\n`)
  await file?.datasync()
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
