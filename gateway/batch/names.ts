import type { Batch } from './batch.ts'

/** Returns the name under which the index of a batch's lines is kept. */
export const indexName = (batch: string): string => `${batch}.index`

/** Returns the name under which is kept what became of a batch's lines, once that is decided. */
export const fatesName = (batch: string): string => `${batch}.fates`

/** Returns the name under which the answer to a line of a batch is kept. */
export const lineName = (batch: string, line: number): string => `${batch}.${line}`

/** Returns the id of a request of a batch. */
export const requestIdOf = (batch: string, line: number): string =>
  `batch_req_${batch.slice(batch.indexOf('_') + 1)}_${line}`

/**
 * Returns the id of a batch's output file or error file: always the same, so that one that was written before a process died is
 * found.
 */
export const fileIdOf = ({ id }: Pick<Batch, 'id'>, kind: 'output' | 'error'): string =>
  `file-${id.slice(id.indexOf('_') + 1)}${kind}`

/** Yields all names that belong to a batch, some at a time. */
export function* namesOf({ id, lines }: Pick<Batch, 'id' | 'lines'>): Generator<readonly string[], void, undefined> {
  for (let from = 0; from < lines; from += AT_A_TIME) {
    yield Array.from({ length: Math.min(AT_A_TIME, lines - from) }, (_, index) => lineName(id, from + index))
  }
  // The index last: without it, what is left could not be found.
  yield [fatesName(id), indexName(id)]
}

const AT_A_TIME = 500
