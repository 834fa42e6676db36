import { z } from 'zod'
import { unitedErrorBody } from '../../wire/mistral/errors.ts'
import { mistralOcrRequest } from '../../wire/mistral/ocr-request.ts'
import { mistralOcrResponse } from '../../wire/mistral/ocr-response.ts'
import { signedUrl } from '../../wire/mistral/signed-url.ts'
import { batchList, batchObject, batchRequest } from '../../wire/openai/batch.ts'
import { chatChunk, chatCompletion } from '../../wire/openai/chat-completion.ts'
import { chatMessage, chatRequest } from '../../wire/openai/chat-request.ts'
import { completionRequest } from '../../wire/openai/completion-request.ts'
import { contentPart } from '../../wire/openai/content-part.ts'
import { errorBody } from '../../wire/openai/errors.ts'
import { fileDeleted, fileList, fileObject } from '../../wire/openai/file.ts'
import { forwardedAnswer, forwardedError } from '../../wire/openai/forwarded-answer.ts'
import { modelEntry, modelList } from '../../wire/openai/models.ts'
import { ledgerLine, ocrObject } from '../../wire/openai/ocr-object.ts'
import { chatOcrOptions, ocrOptions } from '../../wire/openai/ocr-options.ts'
import { responseEvent } from '../../wire/openai/response-events.ts'
import { deletedResponse, inputItemList } from '../../wire/openai/response-items.ts'
import { responseItem, responseRequest } from '../../wire/openai/response-request.ts'
import { responseObject } from '../../wire/openai/response.ts'
import { completeRequest, uploadObject, uploadPart, uploadRequest } from '../../wire/openai/upload.ts'
import { usageList } from '../../wire/openai/usage.ts'
import { webhookEvent, webhookEventList, webhookPayload } from '../../wire/openai/webhook.ts'
import { processResponse } from '../../wire/openwebui/process-response.ts'
import { healthBody, readiness } from '../../wire/health.ts'
import { statusSnapshot } from '../../wire/status.ts'

/** A schema in the document: JSON Schema of 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>

// Messages, items and parts are checked one by one when they are read, so that the schemas of whole requests do not look into
// them. The document does: it is made of the same pieces.
const parts = z.array(z.union([z.string(), contentPart]))
const message = chatMessage.extend({ content: z.union([z.string(), parts, z.null()]).optional() })
const item = responseItem.extend({ content: z.union([z.string(), parts, z.null()]).optional() })

/** What bodies of requests are checked by. */
const requestSchemas = {
  OcrOptions: ocrOptions,
  ChatOcrOptions: chatOcrOptions,
  ContentPart: contentPart,
  ChatMessage: message,
  ChatCompletionRequest: chatRequest.extend({ messages: z.array(message).min(1) }),
  CompletionRequest: completionRequest,
  ResponseItem: item,
  ResponseRequest: responseRequest.extend({ input: z.union([z.string(), z.array(item)]).nullish() }),
  BatchRequest: batchRequest,
  UploadRequest: uploadRequest,
  UploadCompletion: completeRequest,
  MistralOcrRequest: mistralOcrRequest.extend({ document: contentPart }),
}

/** What answers are built by. */
const answerSchemas = {
  Error: errorBody,
  UnitedError: unitedErrorBody,
  UpstreamError: forwardedError,
  UpstreamAnswer: forwardedAnswer,
  OcrObject: ocrObject,
  LedgerLine: ledgerLine,
  ChatCompletion: chatCompletion,
  ChatCompletionChunk: chatChunk,
  Response: responseObject,
  ResponseEvent: responseEvent,
  InputItemList: inputItemList,
  DeletedResponse: deletedResponse,
  Batch: batchObject,
  BatchList: batchList,
  File: fileObject,
  FileList: fileList,
  DeletedFile: fileDeleted,
  SignedUrl: signedUrl,
  Upload: uploadObject,
  UploadPart: uploadPart,
  MistralOcrResponse: mistralOcrResponse,
  ProcessedDocument: processResponse,
  Model: modelEntry,
  ModelList: modelList,
  UsageList: usageList,
  WebhookPayload: webhookPayload,
  WebhookEvent: webhookEvent,
  WebhookEventList: webhookEventList,
  Health: healthBody,
  Readiness: readiness,
  Status: statusSnapshot,
}

/** The name of a schema under `components.schemas`. */
export type SchemaName = keyof typeof requestSchemas | keyof typeof answerSchemas

const uriOf = (name: string): string => `#/components/schemas/${name}`

/** Refers to a schema by its name. */
export const ref = (name: SchemaName): JsonSchema => ({ $ref: uriOf(name) })

/** Writes all of them: `components.schemas`. */
export function componentSchemas(): Record<string, JsonSchema> {
  return { ...written(requestSchemas, 'input'), ...written(answerSchemas, 'output') }
}

function written(schemas: Readonly<Record<string, z.ZodType>>, io: 'input' | 'output'): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id })
  const { schemas: json } = z.toJSONSchema(registry, { io, uri: uriOf })
  return Object.fromEntries(Object.entries(json).map(([name, schema]) => [name, tidied(schema) as JsonSchema]))
}

/** Which schema it is, which documents say otherwise; and what a program does with a value, which is nothing to its client. */
const UNSAID = new Set(['$schema', '$id', 'id', 'readOnly'])

/** Leaves out what says nothing, or means something else in an OpenAPI document. */
function tidied(json: unknown, isNames = false): unknown {
  if (Array.isArray(json)) return json.map((entry) => tidied(entry))
  if (typeof json !== 'object' || json === null) return json
  const kept = Object.entries(json).filter(([key, value]) => isNames || !saysNothing(key, value))
  return Object.fromEntries(
    kept.map(([key, value]) => [
      key,
      key === 'additionalProperties' && !isNames && Object.keys(Object(value)).length === 0
        ? value !== false
        : tidied(value, !isNames && key === 'properties'),
    ]),
  )
}

function saysNothing(key: string, value: unknown): boolean {
  if (UNSAID.has(key)) return true
  if (key === 'maximum') return value === Number.MAX_SAFE_INTEGER
  if (key === 'minimum') return value === Number.MIN_SAFE_INTEGER
  if (key === 'default') return value === null
  if (key === 'format') return value === 'starts_with'
  // That of base64 takes a stack for a picture.
  if (key === 'pattern') return String(value).includes('0-9a-zA-Z+/')
  return key === 'propertyNames' && JSON.stringify(value) === '{"type":"string"}'
}
