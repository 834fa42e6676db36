import { GatewayError } from '../errors.ts'
import { contentPart, type ContentPart, type DocumentFields } from '../wire/openai/content-part.ts'
import { check } from './check.ts'
import { isAddress, isElsewhere } from './data-url.ts'

/** What one part of a message holds, whatever its protocol calls it. */
export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | DocumentPart
  /** What says nothing about documents: a refusal, a model's thoughts. */
  | { readonly kind: 'other' }

/** A document in a part. */
export interface DocumentPart {
  readonly kind: 'document'
  /** A data URL or base64; an id where `isId`. */
  readonly data: string
  /** Whether `data` names a stored file. */
  readonly isId: boolean
  /** The field that holds it: `messages[0].content[1].file.file_data`. */
  readonly param: string
  readonly filename: string | null
  readonly mediaType: string | null
}

const textTypes: ReadonlySet<string> = new Set(['text', 'input_text', 'output_text'])
const otherTypes: ReadonlySet<string> = new Set(['refusal', 'thinking', 'redacted_thinking', 'reasoning'])

/** The types of parts that hold a document, and the field that the type asks for. */
const documentTypes: ReadonlyMap<string, string> = new Map([
  ['file', 'file.file_data'],
  ['input_file', 'file_data'],
  ['image_url', 'image_url'],
  ['input_image', 'image_url'],
  ['document_url', 'document_url'],
  ['file_url', 'file_url'],
  ['image', 'source'],
  ['document', 'source'],
])

/** Fields that hold a document, or an object with it; first those that a type may be named after. */
const holders = ['file', 'image_url', 'document_url', 'file_url', 'source', 'image', 'document'] as const

/** Fields of an object that hold a document itself, then those that only name one. */
const contents = ['file_data', 'data', 'base64', 'url', 'file_url'] as const
const names = ['file_id', 'id'] as const

const SHAPES =
  'A document is sent as {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,…"}} or as {"type": "image_url", "image_url": {"url": "data:image/png;base64,…"}}'

/** Reads one part of a message's content. Throws `invalid_value` for one that holds nothing that is known. */
export function readPart(value: unknown, path: string): Part {
  if (typeof value === 'string') return { kind: 'text', text: value }
  const part = check(contentPart, value, path)
  const type = part.type ?? null
  if (type !== null && otherTypes.has(type)) return { kind: 'other' }
  if (type !== null && !textTypes.has(type) && !documentTypes.has(type)) throw unsupported(type, path)
  const documents = documentsIn(part, path)
  const isText = type === null ? typeof part.text === 'string' : textTypes.has(type)
  if (isText) return readText(part, documents, path)
  if (documents.length > 1) throw severalDocuments(documents, path)
  return documents[0] ?? missing(type, part, path)
}

function readText({ text }: ContentPart, [document]: readonly DocumentPart[], path: string): Part {
  if (document !== undefined) {
    const { param, data } = document
    if (isElsewhere(data)) {
      const message = `${path} holds a text and an address (${param}). Send the document itself, as a part of its own.`
      throw new GatewayError('url_not_allowed', message, { param })
    }
    throw new GatewayError('invalid_value', `${path} holds a text and a document (${param}). Send them as two parts.`, {
      param,
    })
  }
  if (typeof text === 'string') return { kind: 'text', text }
  // An empty text part says nothing; a missing one is a mistake.
  if (text === null) return { kind: 'other' }
  throw new GatewayError('invalid_value', `${path}.text: expected a string.`, { param: `${path}.text` })
}

function documentsIn(part: ContentPart, path: string): DocumentPart[] {
  const facts = factsOf(part)
  const held = holders.flatMap((name): DocumentPart[] => {
    const value = part[name] ?? null
    const param = `${path}.${name}`
    if (value === null) return []
    if (typeof value === 'string') return [{ kind: 'document', data: value, isId: false, param, ...facts }]
    refuseText(value.type ?? part.source_type ?? null, param)
    const own = factsOf(value)
    const document = documentOf(value, param, {
      filename: own.filename ?? facts.filename,
      mediaType: own.mediaType ?? facts.mediaType,
    })
    return document === null ? [] : [document]
  })
  // `file_url` stands among the holders.
  const { file_url: _, ...fields } = part
  refuseText(part.source_type ?? null, path)
  const flat = documentOf(fields, path, facts)
  return flat === null || (flat.isId && held.length > 0) ? held : [...held, flat]
}

type Facts = Pick<DocumentPart, 'filename' | 'mediaType'>

function factsOf(fields: DocumentFields): Facts {
  return {
    filename: fields.filename ?? fields.document_name ?? fields.name ?? fields.title ?? null,
    mediaType: fields.media_type ?? fields.mime_type ?? fields.mediaType ?? fields.mimeType ?? null,
  }
}

function documentOf(
  fields: DocumentFields & { readonly file_url?: string | null | undefined },
  path: string,
  facts: Facts,
): DocumentPart | null {
  const content = contents.find((name) => typeof fields[name] === 'string')
  if (content !== undefined) {
    return { kind: 'document', data: fields[content] ?? '', isId: false, param: `${path}.${content}`, ...facts }
  }
  // `id` is the part's own id, except where an id is all that it has to say.
  const name = names.find((each) => typeof fields[each] === 'string' && (each !== 'id' || fields.source_type === 'id'))
  if (name === undefined) return null
  const data = fields[name] ?? ''
  // LiteLLM's documented way for PDFs puts the data URL where the id belongs.
  return { kind: 'document', data, isId: !isAddress(data), param: `${path}.${name}`, ...facts }
}

function refuseText(sourceType: string | null, path: string): void {
  if (sourceType !== 'text' && sourceType !== 'content') return
  throw new GatewayError(
    'invalid_value',
    `${path}: a source of type "${sourceType}" holds no document. ${SHAPES}; text goes into a "text" part.`,
    { param: path },
  )
}

function unsupported(type: string, path: string): GatewayError {
  return new GatewayError(
    'invalid_value',
    `${path}.type: unsupported content part type ${JSON.stringify(type.slice(0, 100))}; supported types: text, image_url, file, and what other clients call them: ${[...textTypes, ...documentTypes.keys()].filter((name) => !['text', 'image_url', 'file'].includes(name)).join(', ')}. ${SHAPES}.`,
    { param: `${path}.type` },
  )
}

function severalDocuments([first, second]: readonly DocumentPart[], path: string): GatewayError {
  return new GatewayError(
    'invalid_value',
    `${path} holds two documents (${first?.param} and ${second?.param}). Send them as two parts.`,
    { param: second?.param },
  )
}

function missing(type: string | null, part: ContentPart, path: string): never {
  if (type === null) {
    throw new GatewayError('invalid_value', `${path} has no "type", and no field that tells what it is. ${SHAPES}.`, {
      param: path,
    })
  }
  const wanted = documentTypes.get(type) ?? 'file_data'
  const [holder = wanted] = wanted.split('.')
  // Of a `file` part without a `file`, the object is what is missing.
  const param = `${path}.${Object.hasOwn(part, holder) ? wanted : holder}`
  throw new GatewayError(
    'invalid_value',
    `${param}: a part of type "${type}" needs its document there, as a base64 data URL. ${SHAPES}.`,
    { param },
  )
}
