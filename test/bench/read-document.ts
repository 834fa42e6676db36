import OpenAI from 'openai'
import { filePart } from '../support/documents.ts'

/** The model that benchmarks ask for. */
export const MODEL = 'lightonai/LightOnOCR-2-1B'

/** The official client, pointed at a gateway; it never retries. */
export function connect(url: string): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 })
}

/** How a document was read. */
export interface Reading {
  readonly seconds: number
  readonly firstTextSeconds: number | null
  /** Pages that the ledger calls `ok`. */
  readonly pagesRead: number
  /** Whether the stream and the ledger had every page, in page order. */
  readonly inOrder: boolean
}

interface Extension {
  readonly page?: number
  readonly pages?: readonly { readonly page: number; readonly status: string }[]
}

/** What an instance of reading may be told, and may tell. */
export interface ReadOptions {
  readonly signal?: AbortSignal
  readonly onPage?: (page: number) => void
  /** Left out: `MODEL`. */
  readonly model?: string
  /** `flex`: in the batch lane. */
  readonly serviceTier?: 'auto' | 'flex'
}

/** Reads a document in one streaming request, as any client of OpenAI's would. */
export async function readDocument(
  client: OpenAI,
  document: Uint8Array,
  { signal, onPage, model = MODEL, serviceTier = 'auto' }: ReadOptions = {},
): Promise<Reading> {
  const startedAt = performance.now()
  const since = () => (performance.now() - startedAt) / 1000
  const messages = [{ role: 'user' as const, content: [filePart(document)] }]
  const body = { model, stream: true, service_tier: serviceTier, messages } as const
  const stream = await client.chat.completions.create(body, { signal })
  let firstTextSeconds: number | null = null
  const streamed: number[] = []
  let ledger: Extension['pages'] = []
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta.content) firstTextSeconds ??= since()
    const { ocr } = chunk as { ocr?: Extension }
    if (ocr?.page !== undefined) {
      streamed.push(ocr.page)
      onPage?.(ocr.page)
    }
    ledger = ocr?.pages ?? ledger
  }
  const inOrder = [streamed, ledger.map(({ page }) => page)].every((pages) =>
    pages.every((page, index) => page === index + 1),
  )
  return {
    seconds: since(),
    firstTextSeconds,
    pagesRead: ledger.filter(({ status }) => status === 'ok').length,
    inOrder: inOrder && streamed.length === ledger.length,
  }
}
