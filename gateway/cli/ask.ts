import type OpenAI from 'openai'
import { AwayError } from './failure.ts'
import { fileTrouble } from './input.ts'
import type { Question } from './options.ts'
import type { Ends, Patience } from './patience.ts'
import type { Progress, Row } from './progress.ts'
import { createSending, readDocument, type Reading } from './read-document.ts'
import { hasChanged, type Identified } from './resume.ts'
import { DocumentError } from './say.ts'
import type { SinkTurn } from './sink.ts'

/** Who is asked, and who is told. */
export interface Asking {
  readonly client: OpenAI
  readonly question: Question
  readonly progress: Progress
  readonly patience: Patience
}

interface Asked {
  readonly found: Identified
  readonly turn: SinkTurn
  readonly row: Row
  /** How many pages it has is known now. */
  readonly onOpened: () => void
}

/** Has a document read, and asks again as long as that is of use. Throws a DocumentError, or what ends the command. */
export async function askPersistently(asking: Asking, asked: Asked, ends: Ends): Promise<Reading> {
  const { client, question, progress, patience } = asking
  const { found, turn, row, onOpened } = asked
  await using sending = createSending(client, found.content)
  let isAgain = false
  let outages = 0
  return await patience.persist(async () => {
    if (isAgain) {
      progress.again(row)
      turn.again()
    }
    isAgain = true
    const reading = await readDocument(
      client,
      sending,
      question,
      {
        opened(pages) {
          progress.opened(row, pages)
          patience.heard()
          onOpened()
        },
        page: () => progress.page(row),
        text: (text) => turn.text(text),
      },
      ends.cut,
    ).catch((error: unknown) => {
      throw asFileTrouble(error)
    })
    if (await hasChanged(found)) throw new DocumentError('file_changed', 'has changed while it was read; read it again')
    // The pages that are read are known when the others are asked for once more.
    if (lacksEngine(reading) && outages++ < MAX_OUTAGES) throw new AwayError('no engine was there for some pages')
    return reading
  }, ends)
}

/** How often a document is asked for again, some pages of which no engine was there for. */
const MAX_OUTAGES = 3

function lacksEngine({ ocr }: Reading): boolean {
  return ocr.pages.some(({ status, error }) => status === 'failed' && error?.code === 'engine_unavailable')
}

function asFileTrouble(error: unknown): unknown {
  const { syscall } = Object(error) as NodeJS.ErrnoException
  const isFile =
    syscall === 'open' || syscall === 'read' || (error instanceof Error && error.name === 'NotReadableError')
  return isFile ? new DocumentError('file_unreadable', `cannot be read: ${fileTrouble(error)}`) : error
}
