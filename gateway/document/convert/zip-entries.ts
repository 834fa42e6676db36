import { readPart, type LookedAt } from './looked-at.ts'

/** The end of a ZIP archive: 22 bytes, and a comment of at most 65,535 (APPNOTE.TXT, 4.3.16). */
const MAX_END_BYTES = 22 + 65_535
/** Of the list of entries; what tells the kind of a document is among the first. */
const MAX_LIST_BYTES = 256 * 1024

const LOCAL_HEADER = 'PK\x03\x04'
const LIST_ENTRY = 'PK\x01\x02'
const END = 'PK\x05\x06'

/** The most that a `mimetype` entry says. */
const MAX_MIMETYPE_BYTES = 128

/**
 * Returns what a document says it is in its first entry, as OpenDocument and EPUB do: `mimetype`, which is not compressed;
 * null where there is no such entry.
 */
export function readMimetypeEntry(head: Buffer): string | null {
  if (head.length < 30 || head.toString('latin1', 0, 4) !== LOCAL_HEADER || head.readUInt16LE(8) !== 0) return null
  const nameEnd = 30 + head.readUInt16LE(26)
  if (head.toString('latin1', 30, nameEnd) !== 'mimetype') return null
  const from = nameEnd + head.readUInt16LE(28)
  return head.toString('latin1', from, from + MAX_MIMETYPE_BYTES)
}

/**
 * Returns the names of an archive's entries, in the order of its list. Nothing is unpacked, and no more is read than the
 * end of the archive and a quarter of a megabyte of its list. Empty where there is no such list.
 */
export async function readEntryNames(bytes: LookedAt): Promise<readonly string[]> {
  const length = Math.min(MAX_END_BYTES, bytes.length)
  const tail = await readPart(bytes, length, bytes.length - length)
  const end = tail.lastIndexOf(END, undefined, 'latin1')
  if (end === -1 || end + 22 > tail.length) return []
  const size = tail.readUInt32LE(end + 12)
  const from = tail.readUInt32LE(end + 16)
  if (from + size > bytes.length) return []
  return namesIn(await readPart(bytes, Math.min(size, MAX_LIST_BYTES), from))
}

function namesIn(list: Buffer): string[] {
  const names: string[] = []
  let at = 0
  while (at + 46 <= list.length && list.toString('latin1', at, at + 4) === LIST_ENTRY) {
    const nameEnd = at + 46 + list.readUInt16LE(at + 28)
    names.push(list.toString('utf8', at + 46, nameEnd))
    at = nameEnd + list.readUInt16LE(at + 30) + list.readUInt16LE(at + 32)
  }
  return names
}
