import { readPart, type LookedAt } from './looked-at.ts'

/** What a compound file begins with: MS-CFB, 2.2. */
export const COMPOUND_FILE = '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'

const HEADER_BYTES = 512
const ENTRY_BYTES = 128
/** Sectors of the list of streams that are read; those at its root are among the first. */
const MAX_SECTORS = 64
/** Names the end of a chain, and everything beyond it; also "no entry". */
const NO_SECTOR = 0xfffffffa

/** Sectors of the allocation table that the header itself names. */
const NAMED_IN_HEADER = 109

/**
 * Returns the names of the streams at the root of a compound file, which say what it is: those of documents within it lie
 * deeper. At most a few hundred small reads; what is damaged has the names that were found until then.
 */
export async function readRootNames(bytes: LookedAt): Promise<ReadonlySet<string>> {
  const header = await readPart(bytes, Math.min(HEADER_BYTES, bytes.length), 0)
  if (header.length < HEADER_BYTES) return new Set()
  const sectorBytes = header.readUInt16LE(30) === 12 ? 4096 : 512
  return rootNames(await readList(bytes, header, sectorBytes))
}

/** Reads the list of streams, sector by sector along its chain. */
async function readList(bytes: LookedAt, header: Buffer, sectorBytes: number): Promise<Buffer> {
  const sectors: Buffer[] = []
  const perTable = sectorBytes / 4
  // Sector 0 lies behind the header, which has a sector of its own.
  const placeOf = (sector: number): number => (sector + 1) * sectorBytes
  let sector = header.readUInt32LE(48)
  while (sector < NO_SECTOR && sectors.length < MAX_SECTORS && placeOf(sector) + sectorBytes <= bytes.length) {
    sectors.push(await readPart(bytes, sectorBytes, placeOf(sector)))
    const index = Math.floor(sector / perTable)
    if (index >= NAMED_IN_HEADER) break
    const next = placeOf(header.readUInt32LE(76 + 4 * index)) + 4 * (sector % perTable)
    if (next + 4 > bytes.length) break
    sector = (await readPart(bytes, 4, next)).readUInt32LE(0)
  }
  return Buffer.concat(sectors)
}

/** The entries of a storage are a tree: MS-CFB, 2.6.4. The first entry of the list is the root. */
function rootNames(list: Buffer): Set<string> {
  const names = new Set<string>()
  const count = Math.floor(list.length / ENTRY_BYTES)
  if (count === 0) return names
  const seen = new Set<number>()
  const waiting = [list.readUInt32LE(76)]
  for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
    if (index >= count || seen.has(index)) continue
    seen.add(index)
    const at = index * ENTRY_BYTES
    // With its end, two bytes of zero.
    const nameBytes = Math.min(64, Math.max(2, list.readUInt16LE(at + 64))) - 2
    names.add(list.toString('utf16le', at, at + nameBytes))
    waiting.push(list.readUInt32LE(at + 68), list.readUInt32LE(at + 72))
  }
  return names
}
