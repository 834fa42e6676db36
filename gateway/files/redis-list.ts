import type { SharedRedis } from '../store/redis.ts'
import { nowInSeconds } from './clock.ts'
import type { OwnedFile } from './facts.ts'
import type { FilePage, FileQuery, StoredFile } from './stored-file.ts'

/** Files that are looked at at a time: some hundred KB. A key may have millions. */
const SLICE = 1000

/** Reads a file as Redis has it. */
export function readFile(text: string | null): OwnedFile | null {
  if (text === null) return null
  const { owner, ...file } = JSON.parse(text) as StoredFile & { readonly owner: string }
  return { owner, file }
}

/** Returns a part of the list of an owner's files. */
export async function listFiles(
  shared: SharedRedis,
  prefix: string,
  owner: string,
  query: FileQuery,
): Promise<FilePage> {
  const { offset, limit, counts } = query
  const files: StoredFile[] = []
  let total = 0
  for await (const slice of slicesOf(shared, prefix, owner, query)) {
    const listed = slice.filter((file) => isAsked(file, query))
    const skipped = Math.max(0, offset - total)
    files.push(...listed.slice(skipped, skipped + limit + 1 - files.length))
    total += listed.length
    if (!counts && files.length > limit) break
  }
  return { files: files.slice(0, limit), hasMore: files.length > limit, total: counts ? total : null }
}

/** Yields an owner's files, in their order. */
async function* slicesOf(
  shared: SharedRedis,
  prefix: string,
  owner: string,
  { after, order }: FileQuery,
): AsyncGenerator<StoredFile[]> {
  const key = `${prefix}owned:${owner}`
  let from = after
  for (;;) {
    const start = from === null ? null : `(${from}`
    const ids = await shared.run((redis) =>
      order === 'asc'
        ? redis.zrangebylex(key, start ?? '-', '+', 'LIMIT', 0, SLICE)
        : redis.zrevrangebylex(key, start ?? '+', '-', 'LIMIT', 0, SLICE),
    )
    if (ids.length === 0) return
    const texts = await shared.run((redis) => redis.mget(ids.map((id) => `${prefix}F:${id}`)))
    yield texts.map((text) => readFile(text)?.file).filter((file) => file !== undefined)
    from = ids.at(-1)!
  }
}

function isAsked(file: StoredFile, { purpose, search, mediaTypes }: FileQuery): boolean {
  if (file.expiresAt <= nowInSeconds()) return false
  if (purpose !== null && file.purpose !== purpose) return false
  if (search !== null && !file.filename.toLowerCase().includes(search.toLowerCase())) return false
  return mediaTypes === null || (file.mediaType !== null && mediaTypes.includes(file.mediaType))
}
