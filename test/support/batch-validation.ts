import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI, { toFile } from 'openai'
import { startGatewayProcess } from './gateway-process.ts'
import { readBatch } from './run-batch.ts'
import { longestHold, residentMegabytes, resetPeak, watched } from './watch-process.ts'
import { eventually } from './within.ts'

const DEADLINE = 300_000

/** What looking at an input has taken. */
export interface ValidationCost {
  readonly seconds: number
  /** The most that the process took, of all memory. */
  readonly peakMegabytes: number
  /** The longest that the event loop was held, in milliseconds of processor time. */
  readonly longestHold: number
}

/**
 * Measures how a gateway in a process of its own looks at an input of so many lines and so many megabytes, one of which is as
 * long as all others together where `hasLongLine`.
 */
export async function measureValidation(
  lines: number,
  megabytes: number,
  hasLongLine: boolean,
): Promise<ValidationCost> {
  const dataDir = mkdtempSync(join(tmpdir(), 'ocr-gateway-'))
  try {
    await using gateway = await startGatewayProcess({ GATEWAY_DATA_DIR: dataDir, GATEWAY_LOG_LEVEL: 'warn' }, [
      '--max-semi-space-size=8',
      ...watched,
    ])
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'none', maxRetries: 0 })
    const file = await client.files.create({
      file: await toFile(inputOf(lines, megabytes, hasLongLine), 'input.jsonl'),
      purpose: 'batch',
    })
    resetPeak(gateway)
    await longestHold(gateway)
    const startedAt = performance.now()
    const { id } = await client.batches.create({
      input_file_id: file.id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    })
    const status = async () => readBatch(await client.batches.retrieve(id)).status
    await eventually(async () => (await status()) !== 'validating', DEADLINE, 'the input was looked at')
    const seconds = (performance.now() - startedAt) / 1000
    const cost = { seconds, peakMegabytes: residentMegabytes(gateway, 'peak'), longestHold: await longestHold(gateway) }
    await client.batches.cancel(id)
    return cost
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** Writes an input whose lines name a document that is not there: they are looked at, and cost nothing when they are run. */
function inputOf(lines: number, megabytes: number, hasLongLine: boolean): Buffer {
  const bytes = megabytes * 1024 * 1024
  const shared = hasLongLine ? bytes / 2 : bytes
  const line = (index: number, filler: number): string => {
    const content = [
      { type: 'file', file: { file_id: 'file-0' } },
      { type: 'text', text: 'x'.repeat(Math.max(0, filler)) },
    ]
    const body = { model: 'default', messages: [{ role: 'user', content }] }
    return `${JSON.stringify({ custom_id: `request-${index}`, method: 'POST', url: '/v1/chat/completions', body })}\n`
  }
  const filler = Math.floor(shared / lines) - line(lines, 0).length
  const input = Buffer.alloc(bytes + lines * 16)
  let at = 0
  for (let index = 0; index < lines; index++) {
    at += input.write(line(index, hasLongLine && index === 1 ? bytes / 2 - 1024 : filler), at)
  }
  return input.subarray(0, at)
}
