import type { z } from 'zod'
import { GatewayError } from '../errors.ts'
import { forwardedPart, forwardedText } from '../wire/openai/forwarded-part.ts'
import type { RequestBody } from './context.ts'

// What is passed on reaches a vLLM inside the network, which fetches addresses, unpacks tensors and runs templates for
// whoever asks. So it is held against lists of what may pass: a part strictly, every other field by what it holds.

/** What is passed on: to an OCR model text alone, to any other model images and sound as well. */
export interface Forwarding {
  readonly media: boolean
}

/** Throws for a chat that must not reach an upstream; see docs/security.md. */
export async function checkForwardedChat(body: RequestBody, forwarding: Forwarding): Promise<void> {
  await checkBody(body, (value) => checkChat(value, forwarding))
}

/** Throws for a completion that must not reach an upstream. */
export async function checkForwardedCompletion(body: RequestBody): Promise<void> {
  await checkBody(body, (value) => {
    checkFields(value, { media: true })
    if (!isPrompt(value['prompt'])) throw refused('prompt', 'expected a string, token ids, or an array of either')
  })
}

const areTokens = (value: unknown): boolean => Array.isArray(value) && value.every((token) => typeof token === 'number')

/** Not by a schema, which would note each of a million tokens that is no string. */
function isPrompt(prompt: unknown): boolean {
  if (prompt === undefined || prompt === null || typeof prompt === 'string' || areTokens(prompt)) return true
  return Array.isArray(prompt) && (prompt.every((each) => typeof each === 'string') || prompt.every(areTokens))
}

/** Hands over what a body says, for a check of its own. Throws for a name that stands twice: an upstream may read the other of the two. */
export async function checkBody(
  body: RequestBody,
  checkValue: (value: Readonly<Record<string, unknown>>) => void,
): Promise<void> {
  const repeated = await body.repeatedName()
  if (repeated !== null) {
    // An upstream may read the other of the two.
    throw refused(repeated.slice(0, 100), 'the name stands twice in one object; send it once')
  }
  checkValue(body.outline as Readonly<Record<string, unknown>>)
}

function checkChat(chat: Readonly<Record<string, unknown>>, forwarding: Forwarding): void {
  checkFields(chat, forwarding)
  const messages = chat['messages'] as readonly unknown[]
  for (const [index, message] of messages.entries()) {
    for (const [name, value] of Object.entries(Object(message) as object)) {
      const path = `messages[${index}].${name}`
      if (name === 'content') checkContent(value, path, forwarding)
      else if (!messageFields.has(name)) refuseMedia(name, value, path)
    }
  }
}

/** Fields of messages that hold what a client or a model has said, in any shape. */
const messageFields: ReadonlySet<string> = new Set([
  'role',
  'name',
  'refusal',
  'reasoning',
  'reasoning_content',
  'task',
  'tool_calls',
  'tool_call_id',
  'function_call',
  'tools',
  'annotations',
])

/** Throws for content that is neither a text nor parts that may pass. */
export function checkContent(content: unknown, path: string, { media }: Forwarding): void {
  if (typeof content === 'string' || content === null) return
  if (!Array.isArray(content)) throw refused(path, 'expected a string or an array of content parts')
  for (const [index, part] of content.entries()) {
    if (typeof part === 'string') continue
    const result = (media ? forwardedPart : forwardedText).safeParse(part)
    if (!result.success) throw refusedPart(part, `${path}[${index}]`, result.error)
  }
}

function refusedPart(part: unknown, path: string, error: z.ZodError): GatewayError {
  const issue = error.issues[0]
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  const place = [...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])].map(String)
  const { text: _, ...rest } = Object(part) as Record<string, unknown>
  const address = Object.keys(rest).find((name) => holdsAddress(rest[name]))
  if (address !== undefined) return notFetched([path, ...(place[0] === address ? place : [address])].join('.'))
  return refused(
    [path, ...place].join('.'),
    unknown === undefined
      ? `this content part is not passed on: ${issue?.message ?? 'it is not known'}`
      : 'this content part is not passed on: a part of its type has no such field',
  )
}

/** Fields of requests that hold text, numbers, or schemas of the client's own. */
const freeFields: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'prompt',
  'suffix',
  'stop',
  'user',
  'metadata',
  'logit_bias',
  'bad_words',
  'tools',
  'tool_choice',
  'functions',
  'function_call',
  'response_format',
  'structured_outputs',
  'guided_json',
  'guided_regex',
  'guided_choice',
  'guided_grammar',
  'ocr',
  'request_id',
  'session_id',
  'cache_salt',
  'prompt_cache_key',
  'safety_identifier',
])

/** When a field may pass, and what to say where it may not. */
interface FieldRule {
  readonly mayPass: (value: unknown, forwarding: Forwarding) => boolean
  readonly why: string
}

const tensors: FieldRule = { mayPass: () => false, why: 'tensors are not passed on; send text' }
const servers: FieldRule = { mayPass: () => false, why: 'addresses of other servers are not passed on; leave it out' }
const beforeMedia: FieldRule = {
  mayPass: (value, { media }) => media && !holdsAddress(value),
  why: 'it is passed on only to models that are no OCR models, and without addresses; leave it out',
}

/** Fields of requests that vLLM does more with than read them. */
const guardedFields: Readonly<Record<string, FieldRule>> = {
  prompt_embeds: tensors,
  multi_modal_data: tensors,
  multi_modal_uuids: tensors,
  mm_data: tensors,
  kv_transfer_params: servers,
  ec_transfer_params: servers,
  // Names of Python code that older versions import.
  logits_processors: { mayPass: () => false, why: 'no code is named to the upstream; leave it out' },
  chat_template: {
    mayPass: () => false,
    why: 'no template is passed on, because the upstream would run it; leave it out, or start vLLM with --chat-template',
  },
  chat_template_kwargs: {
    mayPass: (value) => isFlat(value, ['chat_template', 'tokenize', 'tokenizer_kwargs', 'conversation']),
    why: 'only switches of the template are passed on: texts, numbers and lists of them, and no template',
  },
  vllm_xargs: {
    mayPass: (value) => isFlat(value, ['kv_transfer_params', 'ec_transfer_params']),
    why: 'only texts, numbers and lists of them are passed on',
  },
  media_io_kwargs: beforeMedia,
  mm_processor_kwargs: beforeMedia,
  documents: {
    mayPass: (_, { media }) => media,
    why: 'an OCR model reads no documents from there; send each as a "file" content part',
  },
  priority: {
    mayPass: (value, { media }) => media || value === 0,
    why: 'no chat goes before the pages of an OCR model; leave it out',
  },
}

/** Throws for a field of a request that may not pass. */
export function checkFields(body: Readonly<Record<string, unknown>>, forwarding: Forwarding): void {
  for (const [name, value] of Object.entries(body)) {
    if (freeFields.has(name) || isEmpty(value)) continue
    const rule = Object.hasOwn(guardedFields, name) ? guardedFields[name] : undefined
    if (rule === undefined) refuseMedia(name, value, name)
    else if (!rule.mayPass(value, forwarding)) throw refused(name, rule.why)
  }
}

/** Names under which images, sound, tensors and files reach one engine or another. */
const mediaNames =
  /^(?:(?:input_)?(?:image|video|audio|file|document|media)s?(?:_(?:url|urls|data|embeds|pil|id|ids|path))?|prompt_embeds|multi_modal_\w+|mm_\w+)$/i

const HERE = 'a document or an image is sent as a content part of a message'

/** What a field holds that says nothing: many clients send all of their fields. */
function isEmpty(value: unknown): boolean {
  return value === null || value === '' || (Array.isArray(value) && value.length === 0)
}

/** Refuses a field that no list knows where it holds an image, a file or an address, however deep. */
export function refuseMedia(name: string, value: unknown, path: string): void {
  if (isEmpty(value)) return
  if (typeof value === 'string' && ADDRESS.test(value)) throw notFetched(path)
  let mediaName: string | null = null
  const isAddressHeld = someIn(value, (held, heldName) => {
    if (heldName !== null && mediaNames.test(heldName)) mediaName ??= heldName
    return typeof held === 'string' && ADDRESS.test(held)
  })
  if (isAddressHeld) throw notFetched(path)
  if (name !== 'audio' && mediaNames.test(name)) throw refused(path, `nothing is passed on from there; ${HERE}`)
  if (mediaName !== null) {
    throw refused(path, `it holds ${JSON.stringify(mediaName)}, which is not passed on; ${HERE}`)
  }
}

/**
 * Tells whether anything that a value holds, however deep, is as asked; of what an object holds, its name is known. Looks
 * once: listing a hundred thousand members takes as long as parsing them.
 */
function someIn(value: unknown, isSought: (held: unknown, name: string | null) => boolean): boolean {
  // Not by recursion: a body may be as deep as it likes.
  const left: unknown[] = [value]
  while (left.length > 0) {
    const next = left.pop()
    if (typeof next !== 'object' || next === null) continue
    const names = Array.isArray(next) ? null : Object.keys(next)
    const length = names?.length ?? (next as unknown[]).length
    for (let index = 0; index < length; index++) {
      const name = names?.[index] ?? null
      const held = name === null ? (next as unknown[])[index] : (next as Record<string, unknown>)[name]
      if (isSought(held, name)) return true
      if (typeof held === 'object') left.push(held)
    }
  }
  return false
}

/** A long string whose outline is all blanks, but for a few letters, may be one as well. */
const ADDRESS =
  /^\s*(?:[a-z][a-z0-9+.-]*:\/\/|(?:file|https?|ftp|s3|gs|jar|blob):|[\w+.-]{0,100}…\([0-9a-f]{16}\.\d+\)$)/i

/** Tells whether a value is, or holds somewhere, an address. */
function holdsAddress(value: unknown): boolean {
  if (typeof value === 'string') return ADDRESS.test(value)
  return someIn(value, (held) => typeof held === 'string' && ADDRESS.test(held))
}

const isScalar = (value: unknown): boolean => typeof value !== 'object' || value === null

/** Tells whether an object holds numbers, texts and lists of them, and none of these names. */
function isFlat(value: unknown, reserved: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || holdsAddress(value)) return false
  return Object.entries(value).every(
    ([name, held]) => !reserved.includes(name) && (isScalar(held) || (Array.isArray(held) && held.every(isScalar))),
  )
}

function notFetched(param: string): GatewayError {
  return new GatewayError(
    'url_not_allowed',
    `${param}: no address is passed on, because the upstream would fetch it from inside its network. Send the data itself, as a base64 data URL.`,
    { param },
  )
}

/** Returns the refusal of a field that may not pass. */
export function refused(param: string, why: string): GatewayError {
  return new GatewayError('invalid_value', `${param}: ${why}. docs/api.md says what is passed on.`, { param })
}
