import { answered, BODY_ERRORS, idParameter, json, listQuery, type Operation } from '../operation.ts'
import { ref } from '../schemas.ts'

const shared = { tag: 'Batches', errorForm: 'OpenAI' } as const
const parameters = [idParameter('The id of a batch.', 'batch_4f2d1c0b9a8877665544332211ffeedd')]

/** Batches. */
export const batchOperations: readonly Operation[] = [
  {
    ...shared,
    id: 'createBatch',
    method: 'post',
    path: '/v1/batches',
    summary: 'Have the requests of a file answered',
    description:
      'Each line of the file is `{"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {…}}`; each line of the output `{"id", "custom_id", "response": {"status_code", "request_id", "body"}, "error"}`.',
    body: {
      content: json(ref('BatchRequest'), {
        batch: {
          summary: 'Chats, within a day',
          value: {
            input_file_id: 'file-4f2d1c0b9a8877665544332211ffeedd',
            endpoint: '/v1/chat/completions',
            completion_window: '24h',
          },
        },
      }),
    },
    answers: answered('Batch', 'The batch.'),
    errors: [...BODY_ERRORS, 'file_not_found', 'storage_full'],
  },
  {
    ...shared,
    id: 'listBatches',
    method: 'get',
    path: '/v1/batches',
    summary: 'List batches',
    parameters: listQuery('the batch', 100, 20),
    answers: answered('BatchList', 'The batches, the newest first.'),
    errors: ['invalid_value', 'batch_not_found'],
  },
  {
    ...shared,
    id: 'retrieveBatch',
    method: 'get',
    path: '/v1/batches/{id}',
    summary: 'A batch as it is now',
    parameters,
    answers: answered('Batch', 'The batch.'),
    errors: ['batch_not_found'],
  },
  {
    ...shared,
    id: 'cancelBatch',
    method: 'post',
    path: '/v1/batches/{id}/cancel',
    summary: 'End a batch',
    description: 'What is done of it is kept.',
    parameters,
    answers: answered('Batch', 'The batch.'),
    errors: ['invalid_value', 'batch_not_found', 'storage_full'],
  },
]
