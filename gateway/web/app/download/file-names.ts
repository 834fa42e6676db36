/** Windows takes none of these for a file, whatever stands behind the dot. */
const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d)$/i
/** Leaves room for an ending within what file systems take. */
const MAX_BYTES = 180

/** Turns what a document is called into a name that every file system takes, without its folder and its ending. */
export function stemOf(name: string): string {
  const last = name.normalize('NFC').split(/[/\\]/).at(-1) ?? ''
  const stem = cleaned(last.replace(/\.[a-z\d]{1,5}$/i, ''))
  return stem === '' ? 'document' : RESERVED.test(stem) ? `${stem}_` : stem
}

/** Turns what a picture is called into a name, with its ending, that no other one of these has. */
export function uniqueFileName(name: string, taken: Set<string>): string {
  const last = name.normalize('NFC').split(/[/\\]/).at(-1) ?? ''
  const ending = /\.[a-z\d]{1,5}$/i.exec(last)?.[0] ?? ''
  const stem = stemOf(last)
  let unique = `${stem}${ending}`
  // Not every file system tells large letters from small ones.
  for (let next = 2; taken.has(unique.toLowerCase()); next++) unique = `${stem}-${next}${ending}`
  taken.add(unique.toLowerCase())
  return unique
}

function cleaned(text: string): string {
  // oxlint-disable-next-line no-control-regex -- These are what must not be in a name.
  const plain = text.replaceAll(/[\u0000-\u001F\u007F-\u009F\u200E\u200F\u202A-\u202E\u2066-\u2069<>:"|?*]+/g, ' ')
  let short = plain.replaceAll(/\s+/g, ' ').trim().toWellFormed()
  while (new TextEncoder().encode(short).length > MAX_BYTES) short = short.slice(0, -1).replace(/[\uD800-\uDBFF]$/, '')
  // A dot at the front hides a file, one at the end is lost on Windows.
  return short.replaceAll(/^[. ]+|[. ]+$/g, '')
}
