import { GatewayError } from '../errors.ts'
import type { FileQuery } from '../files/stored-file.ts'

/** Which files a list is asked for. */
export interface FileListQuery extends FileQuery {
  /** Whether it asks for what no file here is. */
  readonly isEmpty: boolean
}

const MAX_LIMIT = 10_000
const DEFAULT_PAGE_SIZE = 100

/**
 * Reads the query of `GET /v1/files`: OpenAI's clients page with `after` and `limit`, Mistral's with `page` and
 * `page_size`. Throws `invalid_value`.
 */
export function readFileList(query: URLSearchParams): FileListQuery {
  const given = (name: string): string | null => query.get(name)?.trim() || null
  const isPaged = given('page') !== null || given('page_size') !== null
  const limit = isPaged
    ? (numberIn(query, 'page_size', 1) ?? DEFAULT_PAGE_SIZE)
    : (numberIn(query, 'limit', 1) ?? MAX_LIMIT)
  return {
    after: isPaged ? null : afterIn(given('after')),
    offset: isPaged ? (numberIn(query, 'page', 0, Number.MAX_SAFE_INTEGER / MAX_LIMIT) ?? 0) * limit : 0,
    limit,
    order: orderIn(given('order')),
    purpose: given('purpose'),
    search: given('search'),
    mediaTypes: listIn(query, 'mimetypes'),
    // Who goes on behind an id does not ask how many there are.
    counts: (isPaged || given('after') === null) && given('include_total') !== 'false',
    isEmpty: lacks(query, 'sample_type', 'ocr_input') || lacks(query, 'source', 'upload'),
  }
}

function numberIn(query: URLSearchParams, name: string, least: number, most = MAX_LIMIT): number | null {
  const text = query.get(name)?.trim() ?? ''
  if (text === '') return null
  const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN
  if (number >= least && number <= most) return number
  throw invalid(name, `expected a number, ${least} to ${Math.floor(most)}`)
}

function afterIn(after: string | null): string | null {
  if (after === null || /^file-[0-9a-z]{1,100}$/.test(after)) return after
  throw invalid('after', 'expected the id of a file, the last of the list before')
}

function orderIn(order: string | null): 'asc' | 'desc' {
  if (order === null || order === 'desc') return 'desc'
  if (order === 'asc') return 'asc'
  throw invalid('order', 'expected "asc" or "desc"')
}

/** Lists come as one parameter several times, or with commas. */
function listIn(query: URLSearchParams, name: string): string[] | null {
  const values = query.getAll(name).flatMap((text) => text.split(',').map((value) => value.trim().toLowerCase()))
  const named = values.filter((value) => value !== '')
  return named.length === 0 ? null : named
}

function lacks(query: URLSearchParams, name: string, value: string): boolean {
  return listIn(query, name)?.includes(value) === false
}

function invalid(param: string, problem: string): GatewayError {
  return new GatewayError('invalid_value', `${param}: ${problem}.`, { param })
}
