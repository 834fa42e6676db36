import { connect } from './connect.ts'
import { listModels, type ListedModel } from './preflight.ts'
import type { Surroundings } from './run-reading.ts'
import { EXIT, printable } from './say.ts'

/** Options of the commands that ask a gateway. */
export interface AskOptions {
  readonly baseUrl?: string
  readonly json?: boolean
}

/** `ocr models`: lists what the gateway can read with. */
export async function modelsCommand({ baseUrl, json }: AskOptions, { env }: Surroundings): Promise<number> {
  const address = baseUrl ?? (env['OPENAI_BASE_URL'] || undefined)
  await using connection = await connect({ baseUrl: address, dataDir: null, allowUrls: false }, env)
  const models = await listModels(connection)
  process.stdout.write(json === true ? `${JSON.stringify(models)}\n` : tableOf(models))
  return EXIT.ok
}

function tableOf(models: readonly ListedModel[]): string {
  const rows = models.map(({ id, root, owned_by, capabilities }) => [
    id,
    capabilities?.ocr === true ? 'documents' : 'chats',
    root != null && root !== id ? printable(root) : printable(owned_by ?? ''),
  ])
  const all = [['MODEL', 'READS', 'IS'], ...rows]
  const widths = [0, 1].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  return all
    .map(([id = '', reads = '', is = '']) => `${id.padEnd(widths[0] ?? 0)}  ${reads.padEnd(widths[1] ?? 0)}  ${is}\n`)
    .join('')
}
