import type { Input } from './input.ts'
import type { Entry } from './manifest.ts'
import type { Question } from './options.ts'
import type { Written } from './out-folder.ts'
import type { Outcome } from './progress.ts'
import type { Reading } from './read-document.ts'
import type { Identified } from './resume.ts'
import { counted, type DocumentError } from './say.ts'

/** Counts the pages that lack their text. */
export const failedPages = (pages: readonly { readonly status: string }[]): number =>
  pages.filter((page) => isFailed(page)).length

const isFailed = ({ status }: { readonly status: string }): boolean => status === 'failed' || status === 'pending'

/** Says what a document came to. */
export function outcomeOf({ ocr }: Reading): Omit<Outcome, 'name' | 'seconds'> {
  const failed = ocr.pages.filter((page) => isFailed(page))
  const pages = ocr.pages.length
  const [first] = failed
  if (first === undefined) return { kind: 'done', pages, note: null }
  const { page, status, error } = first
  const why = error === undefined ? status : `${error.code}: ${error.message}`
  return { kind: 'partial', pages, note: `${failed.length} of ${counted(pages, 'page')} failed (page ${page}: ${why})` }
}

/** What an entry says of the document itself. */
export interface About {
  readonly input: Input
  readonly found: Identified
  readonly question: Question
  readonly startedAt: number
}

/** Writes the entry of a document that was read. */
export function entryOf({ ocr, model, usage }: Reading, written: Written | null, about: About): Entry {
  const notOk = ocr.pages.filter(({ status }) => status !== 'ok')
  return {
    ...entryHead(about),
    sha256: about.found.sha256 ?? ocr.document.sha256,
    model,
    status: failedPages(ocr.pages) > 0 ? 'partial' : 'done',
    pages: ocr.pages.length,
    not_ok: notOk.map(({ page, status, error }) => ({
      page,
      status,
      ...(error === undefined ? {} : { code: error.code }),
    })),
    output: written?.output ?? null,
    ...(written === null || written.figures.length === 0 ? {} : { figures: [...written.figures] }),
    error: null,
    prompt_tokens: usage.prompt_tokens,
    completion_tokens: usage.completion_tokens,
  }
}

/** Writes the entry of a document that cannot be read. */
export function failedEntry({ code, message }: DocumentError, about: About): Entry {
  return {
    ...entryHead(about),
    sha256: about.found.sha256,
    model: null,
    status: 'failed',
    pages: 0,
    not_ok: [],
    output: null,
    error: { code, message },
    prompt_tokens: 0,
    completion_tokens: 0,
  }
}

function entryHead({ input, found: { source, bytes, modified }, question, startedAt }: About) {
  const seconds = Math.round(performance.now() - startedAt) / 1000
  return { path: input.place, source, bytes, modified, options: question.hash, at: new Date().toISOString(), seconds }
}
