import type OpenAI from 'openai'
import { z } from 'zod'
import type { Connection } from './connect.ts'
import { failureOf } from './failure.ts'
import { usage } from './options.ts'
import { CommandError, EXIT } from './say.ts'

const listed = z.object({
  id: z.string(),
  root: z.string().nullish(),
  owned_by: z.string().nullish(),
  max_model_len: z.number().nullish(),
  capabilities: z.object({ ocr: z.boolean() }).optional(),
})

/** A model as the gateway lists it. */
export type ListedModel = z.output<typeof listed>

const PREFLIGHT_TIMEOUT = 15_000

/** Lists the models. Throws a CommandError where there is no gateway, or it does not want this caller. */
export async function listModels({ client, baseUrl }: Pick<Connection, 'client' | 'baseUrl'>): Promise<ListedModel[]> {
  const { data } = await ask(client, baseUrl)
  const models = z.array(listed).safeParse(data)
  // A server of another kind would take `ocr` for nothing, and invent a text.
  if (!models.success || models.data.some(({ capabilities }) => capabilities === undefined)) {
    throw new CommandError(
      EXIT.unreachable,
      `What answers at ${baseUrl} is no ocr-gateway. Give its address with --base-url.`,
    )
  }
  return models.data
}

async function ask(client: OpenAI, baseUrl: string) {
  try {
    return await client.models.list({ timeout: PREFLIGHT_TIMEOUT })
  } catch (thrown) {
    const failure = failureOf(thrown)
    if (failure.kind === 'all' && !failure.error.message.startsWith('404')) throw failure.error
    const message = failure.kind === 'all' ? failure.error.message : failure.message
    throw new CommandError(
      EXIT.unreachable,
      `The gateway at ${baseUrl} cannot be reached: ${message}. Start one with \`ocr serve\`, or leave --base-url out.`,
    )
  }
}

/** Checks once for all documents that the gateway is there, and reads with this model. */
export async function preflight(connection: Connection, wanted: string): Promise<void> {
  const models = await listModels(connection)
  const model = models.find(({ id }) => id === wanted)
  const readers = models.filter(({ capabilities }) => capabilities?.ocr).map(({ id }) => id)
  if (model === undefined) {
    if (wanted === 'default')
      throw new CommandError(EXIT.unreachable, 'No engine behind the gateway can be reached. `ocr doctor` says more.')
    throw usage(`There is no model ${wanted}. Those that read documents: ${readers.join(', ')}`)
  }
  if (model.capabilities?.ocr !== true)
    throw usage(`${wanted} is no model that reads documents. Those that do: ${readers.join(', ')}`)
}
