import type OpenAI from 'openai'
import { EXAMPLE_IMAGE } from '../../gateway/http/openapi/example-image.ts'

/** What is there, for requests that name it: `hooks.py` puts it into every second one. */
export async function makeFacts({ client }: { readonly client: OpenAI }): Promise<object> {
  const files = await Promise.all(Array.from({ length: 8 }, () => storedImage(client)))
  const deletable = await Promise.all(Array.from({ length: 4 }, () => storedImage(client)))
  const uploads = await Promise.all(
    Array.from({ length: 4 }, () =>
      client.uploads.create({ bytes: 3, filename: 'a.txt', mime_type: 'text/plain', purpose: 'user_data' }),
    ),
  )
  const parts = await Promise.all(
    uploads.slice(0, 1).map(({ id }) => client.uploads.parts.create(id, { data: new File(['abc'], 'a.txt') })),
  )
  const batchFile = await storedLines(client)
  const batch = await client.batches.create({
    input_file_id: batchFile,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
  })
  const input = [
    {
      role: 'user' as const,
      content: [{ type: 'input_image' as const, detail: 'auto' as const, image_url: EXAMPLE_IMAGE }],
    },
  ]
  const responses = await Promise.all(
    Array.from({ length: 6 }, () => client.responses.create({ model: 'default', input, background: true })),
  )
  const idsOf = (things: readonly { readonly id: string }[]): string[] => things.map(({ id }) => id)
  return {
    ids: {
      '/files/{id}': [...idsOf(files), ...idsOf(deletable)],
      '/files/{id}/content': idsOf(files),
      '/files/{id}/url': idsOf(files),
      '/uploads/{id}/parts': idsOf(uploads),
      '/uploads/{id}/complete': idsOf(uploads.slice(0, 1)),
      '/uploads/{id}/cancel': idsOf(uploads.slice(1)),
      '/batches/{id}': [batch.id],
      '/batches/{id}/cancel': [batch.id],
      '/responses/{id}': idsOf(responses),
      '/responses/{id}/input_items': idsOf(responses),
      '/responses/{id}/cancel': idsOf(responses),
      '/models/{id}': ['default', 'tesseract'],
      '/assets/{name}': ['favicon.svg'],
    },
    messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: EXAMPLE_IMAGE } }] }],
    input,
    document: { type: 'image_url', image_url: EXAMPLE_IMAGE },
    batchFile,
    parts: idsOf(parts),
  }
}

const imageBytes = Buffer.from(EXAMPLE_IMAGE.slice(EXAMPLE_IMAGE.indexOf(',') + 1), 'base64')

const storedImage = (client: OpenAI) =>
  client.files.create({ file: new File([imageBytes], 'invoice.png', { type: 'image/png' }), purpose: 'user_data' })

async function storedLines(client: OpenAI): Promise<string> {
  const body = {
    model: 'default',
    messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: EXAMPLE_IMAGE } }] }],
  }
  const line = JSON.stringify({ custom_id: '1', method: 'POST', url: '/v1/chat/completions', body })
  return (await client.files.create({ file: new File([`${line}\n`], 'lines.jsonl'), purpose: 'batch' })).id
}
