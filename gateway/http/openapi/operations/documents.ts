import { EXAMPLE_IMAGE } from '../example-image.ts'
import {
  BODY_ERRORS,
  json,
  READING_ERRORS,
  STORING_ERRORS,
  type Answer,
  type Operation,
  type Parameter,
} from '../operation.ts'
import { ref } from '../schemas.ts'

const WAITING: readonly Parameter[] = [
  {
    name: 'x-stainless-timeout',
    in: 'header',
    description:
      'For how many seconds the client waits, where it does not stream: 504, or what is done by then with `on_deadline: "partial"`.',
    schema: { type: 'string' },
  },
  {
    name: 'x-ocr-on-disconnect',
    in: 'header',
    description:
      '`finish`: pages that are at the engine when the client leaves are finished, and kept for its next try.',
    schema: { type: 'string' },
  },
]

const ERRORS = [...BODY_ERRORS, ...READING_ERRORS] as const

/** A chunk or event is what stands behind each `data:`; OpenAPI 3.1 has no word for it, so that OpenAI's way is followed. */
const events = (schema: Readonly<Record<string, unknown>>, description: string) => ({
  'text/event-stream': { schema: { ...schema, description } },
})

const CHAT_ANSWER: Answer = {
  description:
    'The text of all pages, or the chunks of a stream. A chat without a document has what its upstream answers.',
  headers: ['x-cache', 'x-ocr-pages'],
  content: {
    ...json({ anyOf: [ref('ChatCompletion'), ref('UpstreamAnswer')] }),
    ...events(
      { anyOf: [ref('ChatCompletionChunk'), ref('Error'), ref('UpstreamAnswer')] },
      'Server-sent events: the `data` of each is such a chunk, or the error that ends the stream; the last is `[DONE]`.',
    ),
  },
}

const chatExample = (more: object) => ({
  model: 'default',
  messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: EXAMPLE_IMAGE } }] }],
  ...more,
})

const responseExample = (more: object) => ({
  model: 'default',
  input: [{ role: 'user', content: [{ type: 'input_image', image_url: EXAMPLE_IMAGE }] }],
  ...more,
})

const chat: Operation = {
  id: 'createChatCompletion',
  method: 'post',
  path: '/v1/chat/completions',
  tag: 'Documents',
  summary: 'Read documents, as a chat completion',
  description:
    'All pages of all documents of the last user message that has any become one assistant message, in page order. A chat without a document is passed on to its upstream, byte for byte.',
  parameters: WAITING,
  body: {
    content: json(ref('ChatCompletionRequest'), {
      image: { summary: 'A picture', value: chatExample({}) },
      stream: { summary: 'The same, streamed', value: chatExample({ stream: true }) },
      text: { summary: 'Without Markdown', value: chatExample({ ocr: { output: 'text', confidence: true } }) },
      dryRun: { summary: 'What reading would take', value: chatExample({ ocr: { dry_run: true } }) },
    }),
  },
  answers: { 200: CHAT_ANSWER },
  errors: ERRORS,
  errorForm: 'OpenAI',
  isPassedOn: true,
}

const completions: Operation = {
  id: 'createCompletion',
  method: 'post',
  path: '/v1/completions',
  tag: 'Documents',
  summary: 'Pass a prompt on to a model that is no OCR model',
  description: 'With an `image` it is refused: vLLM would ignore the image, and make up a text.',
  body: { content: json(ref('CompletionRequest')) },
  answers: {
    200: {
      description: 'What the upstream answers.',
      content: {
        ...json(ref('UpstreamAnswer')),
        ...events(ref('UpstreamAnswer'), 'Server-sent events, as the upstream sends them.'),
      },
    },
  },
  errors: [...ERRORS, 'image_not_seen'],
  errorForm: 'OpenAI',
  isPassedOn: true,
}

const responses: Operation = {
  id: 'createResponse',
  method: 'post',
  path: '/v1/responses',
  tag: 'Documents',
  summary: 'Read documents, as a response',
  description: 'The same as a chat: whole, streamed, or in the background, to be fetched later.',
  parameters: WAITING,
  body: {
    content: json(ref('ResponseRequest'), {
      image: { summary: 'A picture', value: responseExample({ store: false }) },
      stream: { summary: 'The same, streamed', value: responseExample({ store: false, stream: true }) },
      background: { summary: 'In the background', value: responseExample({ background: true }) },
    }),
  },
  answers: {
    200: {
      description: 'The response: done, streamed, or `queued`. Without a document, what the upstream answers.',
      headers: ['x-cache', 'x-ocr-pages'],
      content: {
        ...json({ anyOf: [ref('Response'), ref('UpstreamAnswer')] }),
        ...events(
          { anyOf: [ref('ResponseEvent'), ref('UpstreamAnswer')] },
          'Server-sent events: the `data` of each is such an event.',
        ),
      },
    },
  },
  errors: [...ERRORS, ...STORING_ERRORS, 'response_not_found', 'not_found', 'storage_unavailable'],
  errorForm: 'OpenAI',
  isPassedOn: true,
}

const inputTokens: Operation = {
  id: 'countInputTokens',
  method: 'post',
  path: '/v1/responses/input_tokens',
  tag: 'Documents',
  summary: 'Count tokens (refused)',
  description:
    'What a document takes is known when its pages are drawn. Send the request to /v1/responses with `"ocr": {"dry_run": true}`, which answers that.',
  body: { isOptional: true, content: json({}) },
  answers: {},
  errors: ['not_found'],
  errorForm: 'OpenAI',
}

const mistralOcr: Operation = {
  id: 'readDocument',
  method: 'post',
  path: '/v1/ocr',
  also: ['/ocr'],
  tag: 'Documents',
  summary: 'Read a document, as Mistral does',
  description: 'A document in, its pages out; page numbers begin at 0.',
  parameters: WAITING,
  body: {
    content: {
      ...json(ref('MistralOcrRequest'), {
        image: { summary: 'A picture', value: { document: { type: 'image_url', image_url: EXAMPLE_IMAGE } } },
        pages: {
          summary: 'The first page alone, with its tables as HTML',
          value: { document: { type: 'image_url', image_url: EXAMPLE_IMAGE }, pages: [0], table_format: 'html' },
        },
      }),
      'multipart/form-data': {
        schema: {
          type: 'object',
          description: 'The document in `file`, and the fields of the JSON body beside it: objects and lists as JSON.',
          properties: {
            file: { type: 'string', format: 'binary', description: 'The document.' },
            model: { type: 'string' },
            pages: { type: 'string', description: '`0-2,5`, or a list in JSON.' },
            ocr: { type: 'string', description: 'The `ocr` object, in JSON.' },
          },
          additionalProperties: true,
        },
      },
    },
  },
  answers: {
    200: { description: 'The pages.', headers: ['x-cache'], content: json(ref('MistralOcrResponse')) },
  },
  errors: ERRORS,
  errorForm: 'Mistral',
}

const process: Operation = {
  id: 'processFile',
  method: 'put',
  path: '/process',
  also: ['/v1/process'],
  tag: 'Documents',
  summary: 'Read a file, as Open WebUI asks for it',
  description: 'The body is the file itself. A file that is text already comes back as it is.',
  parameters: [
    {
      name: 'x-filename',
      in: 'header',
      description: 'The name of the file, with percent signs for what is not ASCII.',
      schema: { type: 'string' },
      example: 'scan.pdf',
    },
    ...WAITING,
  ],
  body: { content: { '*/*': { schema: { type: 'string', format: 'binary' } } } },
  answers: { 200: { description: 'The text.', headers: ['x-cache'], content: json(ref('ProcessedDocument')) } },
  errors: [...READING_ERRORS, 'body_too_large'],
  errorForm: 'Mistral',
}

/** What reads documents. */
export const documentOperations: readonly Operation[] = [chat, responses, mistralOcr, process, completions, inputTokens]
