import { toFile, type OpenAI } from 'openai'
import type { Batch, BatchCreateParams } from 'openai/resources/batches'
import { batchAnswer, batchObject, type BatchAnswer, type BatchObject } from '../../gateway/wire/openai/batch.ts'
import { eventually } from './within.ts'

const DEADLINE = 60_000

/** A line of an input, as it is sent. */
export interface InputLine {
  readonly custom_id: string
  readonly body: object
}

/** Writes the lines of an input. */
export const linesOf = (endpoint: string, lines: readonly InputLine[]): string =>
  lines.map((line) => `${JSON.stringify({ method: 'POST', url: endpoint, ...line })}\n`).join('')

/** Uploads an input, and creates a batch of it. */
export async function createBatch(
  client: OpenAI,
  endpoint: string,
  input: string | Uint8Array,
  wishes: Partial<BatchCreateParams> = {},
): Promise<BatchObject> {
  const file = await client.files.create({ file: await toFile(Buffer.from(input), 'input.jsonl'), purpose: 'batch' })
  const params = { input_file_id: file.id, completion_window: '24h', ...wishes, endpoint } as BatchCreateParams
  return readBatch(await client.batches.create(params))
}

/** Reads a batch as strictly as its schema says. */
export const readBatch = (batch: Batch): BatchObject => batchObject.parse({ ...batch })

/** Waits for the end of a batch. */
export async function untilEnded(client: OpenAI, id: string, deadline = DEADLINE): Promise<BatchObject> {
  const read = async () => readBatch(await client.batches.retrieve(id))
  const isOver = async () => /completed|failed|expired|cancelled/.test((await read()).status)
  await eventually(isOver, deadline, `the end of ${id}`)
  return read()
}

/** Reads the lines of a file of a batch; none where there is no file. */
export async function answersIn(client: OpenAI, fileId: string | null) {
  if (fileId === null) return []
  const text = await (await client.files.content(fileId)).text()
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => batchAnswer.parse(JSON.parse(line)))
}

/** Returns the body of an answer, as one of this shape. */
export function bodyOf<Body>(answer: BatchAnswer | undefined): Body {
  if (!answer?.response) throw new Error(`There is no response: ${JSON.stringify(answer)}`)
  return answer.response.body as Body
}
