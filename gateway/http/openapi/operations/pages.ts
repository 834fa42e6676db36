import { json, type Answer, type Operation } from '../operation.ts'

const shared = { tag: 'Pages', errorForm: 'OpenAI', access: 'open', errors: [] } as const

const html: Answer = {
  description: 'The page.',
  headers: ['etag'],
  content: { 'text/html': { schema: { type: 'string' } } },
}
const unbuilt: Answer = { description: 'The page is not built.', content: html.content ?? {} }

/** What people look at in a browser. None of it holds data: it is open to all who may come here. */
export const pageOperations: readonly Operation[] = [
  {
    ...shared,
    id: 'playground',
    method: 'get',
    path: '/',
    summary: 'The playground',
    answers: { 200: html, 503: unbuilt },
  },
  {
    ...shared,
    id: 'reference',
    method: 'get',
    path: '/docs',
    summary: 'This reference, as a page',
    answers: { 200: html, 503: unbuilt },
  },
  {
    ...shared,
    id: 'description',
    method: 'get',
    path: '/openapi.json',
    summary: 'This description',
    answers: { 200: { description: 'An OpenAPI document.', headers: ['etag'], content: json({ type: 'object' }) } },
  },
  {
    ...shared,
    id: 'asset',
    method: 'get',
    path: '/assets/{name}',
    summary: 'What pages load',
    parameters: [
      {
        name: 'name',
        in: 'path',
        description: 'The name of a file.',
        schema: { type: 'string', minLength: 1 },
        example: 'favicon.svg',
      },
    ],
    answers: {
      200: {
        description: 'A script, a style, a font or a picture.',
        headers: ['etag'],
        content: { '*/*': { schema: { type: 'string', format: 'binary' } } },
      },
    },
    errors: ['not_found'],
  },
  {
    ...shared,
    id: 'sample',
    method: 'get',
    path: '/sample.pdf',
    summary: 'A document to try',
    answers: {
      200: {
        description: 'A scan of four pages.',
        headers: ['etag'],
        content: { 'application/pdf': { schema: { type: 'string', format: 'binary' } } },
      },
    },
    errors: ['not_found'],
  },
]
