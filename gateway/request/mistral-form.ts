import { GatewayError } from '../errors.ts'

/** Fields whose values are JSON in a form, as they are in a body of JSON. */
const JSON_FIELDS: ReadonlySet<string> = new Set([
  'document',
  'pages',
  'ocr',
  'bbox_annotation_format',
  'document_annotation_format',
])

/** Fields whose values are text, whatever they look like. */
const TEXT_FIELDS: ReadonlySet<string> = new Set(['model', 'id', 'document_annotation_prompt'])

/** Builds the body of `POST /v1/ocr` out of a form's fields. Throws `invalid_value` for one that holds broken JSON. */
export function bodyOfForm(fields: ReadonlyMap<string, readonly string[]>): Readonly<Record<string, unknown>> {
  const values = [...fields].map(([name, texts]) => {
    const field = name.replace(/\[\]$/, '')
    return [field, valueOf(field, texts.map((text) => text.trim()).join(','))] as const
  })
  return Object.fromEntries(values.filter(([, value]) => value !== undefined))
}

function valueOf(name: string, text: string): unknown {
  if (text === '') return undefined
  if (TEXT_FIELDS.has(name)) return text
  if (JSON_FIELDS.has(name)) return /^[[{]|^null$/.test(text) ? parsed(name, text) : text
  if (/^(?:true|false|null)$/i.test(text)) return JSON.parse(text.toLowerCase()) as unknown
  return /^-?\d{1,15}(?:\.\d{1,15})?$/.test(text) ? Number(text) : text
}

function parsed(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new GatewayError('invalid_value', `${name}: expected JSON.`, { param: name })
  }
}
