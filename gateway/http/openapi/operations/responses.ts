import { answered, idParameter, json, query, type Operation } from '../operation.ts'
import { ref } from '../schemas.ts'

const id = idParameter('The id of a response.', 'resp_68f0c91c4e609558')

const shared = { tag: 'Responses', parameters: [id], errorForm: 'OpenAI' } as const

/** Responses that are kept. */
export const responseOperations: readonly Operation[] = [
  {
    ...shared,
    id: 'retrieveResponse',
    method: 'get',
    path: '/v1/responses/{id}',
    summary: 'A response as it is now, or its events',
    parameters: [
      id,
      query('stream', '`true`: its events, from the first or from one of them on.', { type: 'string' }),
      query('starting_after', 'The number of the event after which the stream begins.', {
        type: 'integer',
        minimum: 0,
      }),
    ],
    answers: {
      200: {
        description: 'The response, or its events.',
        content: {
          ...json(ref('Response')),
          'text/event-stream': {
            schema: {
              ...ref('ResponseEvent'),
              description: 'Server-sent events: the `data` of each is such an event.',
            },
          },
        },
      },
    },
    errors: ['invalid_value', 'response_not_found'],
  },
  {
    ...shared,
    id: 'deleteResponse',
    method: 'delete',
    path: '/v1/responses/{id}',
    summary: 'Forget a response',
    answers: answered('DeletedResponse', 'It is gone, and what it was asked with.'),
    errors: ['response_not_found'],
  },
  {
    ...shared,
    id: 'cancelResponse',
    method: 'post',
    path: '/v1/responses/{id}/cancel',
    summary: 'End a background response',
    answers: answered('Response', 'The response: cancelled, or how it had ended before.'),
    errors: ['invalid_value', 'response_not_found'],
  },
  {
    ...shared,
    id: 'listInputItems',
    method: 'get',
    path: '/v1/responses/{id}/input_items',
    summary: 'What a response was asked with',
    parameters: [
      id,
      query('after', 'The id of an item after which the list begins.', { type: 'string' }),
      query('limit', 'How many at most.', { type: 'integer', minimum: 1, maximum: 100, default: 20 }),
      query('order', 'Which come first: the last, or the first.', { enum: ['asc', 'desc'], default: 'desc' }),
    ],
    answers: answered('InputItemList', 'Its messages; of documents, their names.'),
    errors: ['invalid_value', 'response_not_found'],
  },
]
