import { answered, idParameter, json, listQuery, query, type Answer, type Operation } from '../operation.ts'
import { ref } from '../schemas.ts'

const models = { tag: 'Models', errorForm: 'OpenAI' } as const
const operation = { tag: 'Operation', errorForm: 'OpenAI' } as const
const eventId = idParameter('The id of an event.', 'evt_4f2d1c0b9a8877665544332211ffeedd')

const readiness = (description: string): Answer => ({ description, content: json(ref('Readiness')) })

const date = (description: string, name: string) => query(name, description, { type: 'string', format: 'date' })

/** Models, usage, webhooks, and how the gateway does. */
export const insideOperations: readonly Operation[] = [
  {
    ...models,
    id: 'listModels',
    method: 'get',
    path: '/v1/models',
    summary: 'List models',
    answers: answered(
      'ModelList',
      'What the upstreams serve, the embedded engine as `tesseract`, and the alias `default`.',
    ),
    errors: [],
  },
  {
    ...models,
    id: 'retrieveModel',
    method: 'get',
    path: '/v1/models/{id}',
    summary: 'One of the models',
    parameters: [idParameter('The name of a model; slashes in it may be escaped or not.', 'default')],
    answers: answered('Model', 'The model.'),
    errors: ['model_not_found', 'engine_unavailable'],
  },
  {
    ...operation,
    id: 'listUsage',
    method: 'get',
    path: '/v1/usage',
    summary: 'What was used, by day, key and model',
    description: 'For admins. Left out, that of this month until today.',
    parameters: [
      date('The first day, in UTC.', 'start_date'),
      date('The last day.', 'end_date'),
      query('key', 'That of this key alone.', { type: 'string' }),
      query('model', 'That of this model alone.', { type: 'string' }),
      query('group_by', 'What is told apart: `day`, `key`, `model`, with commas between.', {
        type: 'string',
        default: 'day,key,model',
      }),
      ...listQuery('the row', 1000, 100),
    ],
    answers: answered('UsageList', 'What was used.'),
    errors: ['invalid_value'],
  },
  {
    ...operation,
    id: 'listWebhookEvents',
    method: 'get',
    path: '/v1/webhooks/events',
    summary: 'What a receiver was told, and is to be told',
    parameters: [
      ...listQuery('the event', 100, 20),
      query('status', 'Those whose delivery is so far.', { enum: ['pending', 'delivered', 'failed'] }),
    ],
    answers: answered('WebhookEventList', 'The events, the newest first.'),
    errors: ['invalid_value', 'not_found'],
  },
  {
    ...operation,
    id: 'retrieveWebhookEvent',
    method: 'get',
    path: '/v1/webhooks/events/{id}',
    summary: 'One of these events',
    parameters: [eventId],
    answers: answered('WebhookEvent', 'The event.'),
    errors: [],
  },
  {
    ...operation,
    id: 'redeliverWebhookEvent',
    method: 'post',
    path: '/v1/webhooks/events/{id}/redeliver',
    summary: 'Send an event again',
    parameters: [eventId],
    answers: answered('WebhookEvent', 'The event.'),
    errors: [],
  },
  {
    ...operation,
    id: 'health',
    method: 'get',
    path: '/health',
    summary: 'Whether the process lives',
    answers: answered('Health', 'It does.'),
    errors: [],
    access: 'open',
  },
  {
    ...operation,
    id: 'ready',
    method: 'get',
    path: '/ready',
    summary: 'Whether documents can be read now',
    answers: {
      200: readiness('They can.'),
      503: readiness('They cannot: no upstream answers, or the gateway is stopping.'),
    },
    errors: [],
    access: 'open',
  },
  {
    ...operation,
    id: 'metrics',
    method: 'get',
    path: '/metrics',
    summary: 'Metrics, for Prometheus',
    description: 'With GATEWAY_METRICS_PORT, this and the status are on a port of their own alone.',
    answers: {
      200: { description: 'In Prometheus’ text format.', content: { 'text/plain': { schema: { type: 'string' } } } },
    },
    errors: ['invalid_api_key', 'not_found'],
    access: 'metrics',
  },
  {
    ...operation,
    id: 'status',
    method: 'get',
    path: '/status',
    summary: 'How the gateway does',
    description:
      'For admins, where there are keys; else like the metrics. A browser, which accepts `text/html`, gets the page that shows it, and needs no key for the page.',
    answers: {
      200: {
        description: 'This moment of this gateway; or the page.',
        headers: ['etag'],
        content: { ...json(ref('Status')), 'text/html': { schema: { type: 'string' } } },
      },
      503: { description: 'The page is not built.', content: { 'text/html': { schema: { type: 'string' } } } },
    },
    errors: ['invalid_api_key', 'storage_unavailable', 'not_found'],
    access: 'operator',
  },
  {
    ...operation,
    id: 'followStatus',
    method: 'get',
    path: '/status/events',
    summary: 'How the gateway does, each second',
    answers: {
      200: {
        description: 'This moment, at once and then each second.',
        content: {
          'text/event-stream': {
            schema: { ...ref('Status'), description: 'Server-sent events: the `data` of each is such a moment.' },
          },
        },
      },
    },
    errors: ['invalid_api_key', 'draining', 'storage_unavailable', 'not_found'],
    access: 'operator',
  },
]
