import { randomBytes } from 'node:crypto'

/** Nine digits of base 36 last until the year 5188. */
const TIME_DIGITS = 9
const SECRET_BYTES = 16

let last = 0

/**
 * Creates an id that nobody can guess. Ids of one kind sort in the order in which they were created, so that a list goes on
 * behind an id that is no more.
 */
export function newId(prefix: 'file-' | 'upload_' | 'part_' | 'batch_'): string {
  last = Math.max(last + 1, Date.now())
  return `${prefix}${last.toString(36).padStart(TIME_DIGITS, '0')}${randomBytes(SECRET_BYTES).toString('hex')}`
}

/** Tells whether something looks like the id of a file; those of batches end in what they are. */
export const isFileId = (id: string): boolean => /^file-[0-9a-z]{41}(?:output|error)?$/.test(id)
