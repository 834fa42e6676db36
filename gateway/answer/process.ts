import type { LedgerPage } from '../ocr/ledger.ts'
import { readText } from '../ocr/output.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { FileFacts, ProcessQuestion } from '../request/process.ts'
import type { ProcessResponse } from '../wire/openwebui/process-response.ts'
import type { Reading } from './collect.ts'
import { wholeWriter, type AnswerWriter } from './writer.ts'

/** Creates the writer of the answer of `PUT /process`, which is one object. */
export function processWriter(request: OcrRequest, file: FileFacts): AnswerWriter {
  return wholeWriter((reading) => processedDocument(reading, request, file))
}

/** Builds the answer for a file that is text: the text, unchanged. */
export function processedText({ text, sha256, file }: Extract<ProcessQuestion, { kind: 'text' }>): ProcessResponse {
  const { encoding } = text
  const metadata = { ...named(file), media_type: 'text/plain', sha256, bytes: file.bytes, encoding }
  return { page_content: text.text, metadata }
}

function processedDocument(reading: Reading, { model, pageSeparator }: OcrRequest, file: FileFacts): ProcessResponse {
  const { pages, documents } = reading.ledger
  const [document] = documents
  if (document === undefined) throw new Error('The ledger has no document.')
  return {
    page_content: contentOf(reading, pageSeparator),
    metadata: {
      ...named(file),
      media_type: document.mediaType,
      sha256: document.sha256,
      bytes: file.bytes,
      model: model.id,
      pages: pages.length,
      ...numbers('failed_pages', pages, ({ status }) => status === 'failed' || status === 'pending'),
      ...numbers('blank_pages', pages, ({ status }) => status === 'blank'),
    },
  }
}

/** What says that a page failed would be indexed as if it stood on the page: it is left out, and with it the empty page. */
function contentOf({ content, ledger }: Reading, separator: string): string {
  if (ledger.pages.every(({ status }) => status !== 'failed' && status !== 'pending')) return content
  const texts = ledger.pages.map((page) => readText(content.slice(page.start, page.end), page.page, page))
  return texts.filter((text) => text !== '').join(separator)
}

const named = ({ name }: FileFacts): { readonly source?: string } => (name === null ? {} : { source: name })

function numbers<Name extends string>(
  name: Name,
  pages: readonly LedgerPage[],
  isMeant: (page: LedgerPage) => boolean,
): Partial<Record<Name, string>> {
  const found = pages.filter(isMeant).map(({ page }) => page)
  return found.length === 0 ? {} : ({ [name]: found.join(', ') } as Record<Name, string>)
}
