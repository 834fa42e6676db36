import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError } from '../../../gateway/errors.ts'
import { readPart } from '../../../gateway/request/content-part.ts'

const data = 'data:application/pdf;base64,JVBERi0xLjc='
const bare = 'JVBERi0xLjc='

describe('a content part', () => {
  const documents: readonly {
    sentBy: string
    part: unknown
    field: string
    is?: string
    filename?: string
    mediaType?: string
  }[] = [
    { sentBy: 'OpenAI', part: { type: 'file', file: { filename: 'a.pdf', file_data: data } }, field: '.file.file_data', filename: 'a.pdf' }, // prettier-ignore
    { sentBy: 'OpenAI, for images', part: { type: 'image_url', image_url: { url: data, detail: 'high' } }, field: '.image_url.url' }, // prettier-ignore
    { sentBy: 'LlamaIndex', part: { type: 'file', filename: 'a.pdf', file_data: data }, field: '.file_data', filename: 'a.pdf' }, // prettier-ignore
    { sentBy: 'OpenAI, for responses', part: { type: 'input_file', filename: 'a.pdf', file_data: data, file_id: null }, field: '.file_data', filename: 'a.pdf' }, // prettier-ignore
    { sentBy: 'OpenAI, images for responses', part: { type: 'input_image', image_url: data, detail: 'auto' }, field: '.image_url' }, // prettier-ignore
    { sentBy: 'people who mix the two', part: { type: 'input_image', image_url: { url: data } }, field: '.image_url.url' }, // prettier-ignore
    { sentBy: 'people, with the object of the other endpoint', part: { type: 'input_file', file: { file_data: data } }, field: '.file.file_data' }, // prettier-ignore
    { sentBy: 'Mistral', part: { type: 'document_url', document_url: data, document_name: 'a.pdf' }, field: '.document_url', filename: 'a.pdf' }, // prettier-ignore
    { sentBy: 'Mistral, as an object', part: { type: 'document_url', document_url: { url: data } }, field: '.document_url.url' }, // prettier-ignore
    { sentBy: 'Mistral, images', part: { type: 'image_url', image_url: data }, field: '.image_url' },
    { sentBy: "VLM Run's clients", part: { type: 'file_url', file_url: { url: data } }, field: '.file_url.url' },
    { sentBy: 'people', part: { type: 'file_url', file_url: data }, field: '.file_url' },
    { sentBy: 'people, for responses', part: { type: 'input_file', file_url: data }, field: '.file_url' },
    { sentBy: 'LiteLLM', part: { type: 'file', file: { file_id: data, format: 'application/pdf' } }, field: '.file.file_id' }, // prettier-ignore
    { sentBy: 'Anthropic', part: { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: bare }, title: 'A' }, field: '.source.data', is: bare, filename: 'A', mediaType: 'application/pdf' }, // prettier-ignore
    { sentBy: 'Anthropic, images', part: { type: 'image', source: { type: 'base64', media_type: 'image/png', data: bare } }, field: '.source.data', is: bare, mediaType: 'image/png' }, // prettier-ignore
    { sentBy: 'the AI SDK', part: { type: 'image', image: data }, field: '.image' },
    { sentBy: 'the AI SDK, with its media type', part: { type: 'file', data: bare, mediaType: 'application/pdf', filename: 'a.pdf' }, field: '.data', is: bare, filename: 'a.pdf', mediaType: 'application/pdf' }, // prettier-ignore
    { sentBy: 'people, as an object', part: { type: 'image', image: { url: data } }, field: '.image.url' },
    { sentBy: 'LangChain JS', part: { type: 'file', data: bare, mimeType: 'application/pdf', metadata: {} }, field: '.data', is: bare, mediaType: 'application/pdf' }, // prettier-ignore
    { sentBy: 'LangChain JS, images', part: { type: 'image', data: bare, mimeType: 'image/png' }, field: '.data', is: bare, mediaType: 'image/png' }, // prettier-ignore
    { sentBy: 'LangChain 0.3', part: { type: 'file', source_type: 'base64', data: bare, mime_type: 'application/pdf', id: 'x' }, field: '.data', is: bare, mediaType: 'application/pdf' }, // prettier-ignore
    { sentBy: 'LangChain 1', part: { type: 'image', base64: bare, mime_type: 'image/png' }, field: '.base64', is: bare, mediaType: 'image/png' }, // prettier-ignore
    { sentBy: 'LangChain 1, as an address', part: { type: 'image', url: data }, field: '.url' },
    { sentBy: 'clients that leave the type out', part: { image_url: { url: data } }, field: '.image_url.url' },
    { sentBy: 'clients that leave the type out, files', part: { file: { file_data: data } }, field: '.file.file_data' },
    { sentBy: "Azure's flavour of Mistral", part: { document_url: data }, field: '.document_url' },
    { sentBy: 'clients whose type is null', part: { type: null, file_data: data }, field: '.file_data' },
    { sentBy: 'people, as a string', part: { type: 'file', file: data }, field: '.file' },
    { sentBy: 'people, with an address that is none', part: { type: 'file', file: { url: data } }, field: '.file.url' },
  ]
  for (const { sentBy, part, field, is = data, filename = null, mediaType = null } of documents) {
    it(`is a document, as sent by ${sentBy}`, () => {
      const expected = { kind: 'document', data: is, isId: false, param: `p${field}`, filename, mediaType }
      assert.deepEqual(readPart(part, 'p'), expected)
    })
  }

  for (const { name, part, text } of [
    { name: 'of type text', part: { type: 'text', text: 'Hi', cache_control: { type: 'ephemeral' } }, text: 'Hi' },
    { name: 'for responses', part: { type: 'input_text', text: 'Hi' }, text: 'Hi' },
    { name: 'from an answer for responses', part: { type: 'output_text', text: 'Hi', annotations: [] }, text: 'Hi' },
    { name: 'as a plain string', part: 'Hi', text: 'Hi' },
    { name: 'without a type', part: { text: 'Hi' }, text: 'Hi' },
    { name: 'that is empty', part: { type: 'text', text: '' }, text: '' },
    { name: 'beside fields that are null', part: { type: 'text', text: 'Hi', image_url: null }, text: 'Hi' },
  ]) {
    it(`is a text: ${name}`, () => assert.deepEqual(readPart(part, 'p'), { kind: 'text', text }))
  }

  it('is nothing to be read: refusals and thoughts', () => {
    for (const part of [
      { type: 'refusal', refusal: 'No.' },
      { type: 'thinking', thinking: 'Hm.' },
      { type: 'text', text: null },
    ])
      // prettier-ignore
      assert.deepEqual(readPart(part, 'p'), { kind: 'other' })
  })

  it('may name a stored file', () => {
    for (const [part, field] of [
      [{ type: 'file', file: { file_id: 'file-1' } }, '.file.file_id'],
      [{ type: 'input_file', file_id: 'file-1' }, '.file_id'],
      [{ type: 'file', source_type: 'id', id: 'file-1' }, '.id'],
      [{ type: 'document', source: { type: 'file', file_id: 'file-1' } }, '.source.file_id'],
    ] as const) {
      const expected = {
        kind: 'document',
        data: 'file-1',
        isId: true,
        param: `p${field}`,
        filename: null,
        mediaType: null,
      }
      assert.deepEqual(readPart(part, 'p'), expected)
    }
  })

  it('holds the document itself where it names a stored file too', () => {
    const part = readPart({ type: 'file', file: { file_id: 'file-1', file_data: data } }, 'p')
    assert.ok(part.kind === 'document' && part.data === data && !part.isId)
  })

  const refused: readonly { name: string; part: unknown; param: string; says: RegExp }[] = [
    { name: 'of another type', part: { type: 'input_audio', input_audio: {} }, param: 'p.type', says: /"file_data": "data:/ }, // prettier-ignore
    { name: 'that is empty', part: {}, param: 'p', says: /"file_data": "data:/ },
    { name: 'that is a number', part: 7, param: 'p', says: /expected object/ },
    { name: 'of a type without its document', part: { type: 'image_url' }, param: 'p.image_url', says: /base64 data URL/ }, // prettier-ignore
    { name: 'of a type whose document is null', part: { type: 'file', file: null }, param: 'p.file.file_data', says: /base64 data URL/ }, // prettier-ignore
    { name: 'whose document is an array', part: { type: 'file', data: [1, 2] }, param: 'p.data', says: /string/ },
    { name: 'whose document is in bytes', part: { type: 'image', image: { bytes: '' } }, param: 'p.source', says: /base64 data URL/ }, // prettier-ignore
    { name: 'whose address is a number', part: { type: 'image_url', image_url: { url: 7 } }, param: 'p.image_url', says: /string "url"/ }, // prettier-ignore
    { name: 'with two documents', part: { file_data: data, image_url: data }, param: 'p.file_data', says: /two parts/ },
    { name: 'with a text and a document', part: { type: 'text', text: 'Hi', image_url: data }, param: 'p.image_url', says: /two parts/ }, // prettier-ignore
    { name: 'with a text and a document, without a type', part: { text: 'Hi', image_url: data }, param: 'p.image_url', says: /two parts/ }, // prettier-ignore
    { name: 'of type text without a text', part: { type: 'text' }, param: 'p.text', says: /string/ },
    { name: "of Anthropic's plain text", part: { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Hi' } }, param: 'p.source', says: /"text" part/ }, // prettier-ignore
  ]
  for (const { name, part, param, says } of refused) {
    it(`is refused, and told what to send: one ${name}`, () => {
      assert.throws(
        () => readPart(part, 'p'),
        (error) =>
          error instanceof GatewayError &&
          (assert.deepEqual([error.code, error.param], ['invalid_value', param]), says.test(error.message)),
      )
    })
  }
})
