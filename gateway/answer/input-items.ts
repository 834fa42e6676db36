import { GatewayError } from '../errors.ts'
import type { Part } from '../request/content-part.ts'
import type { Message } from '../request/conversation.ts'
import type { InputItem, InputItemList, InputPart } from '../wire/openai/response-items.ts'

/** Writes a conversation as the items of a response's input. */
export function inputItems(messages: readonly Message[]): InputItem[] {
  return messages
    .filter(({ parts }) => parts.length > 0)
    .map(({ role, parts }) => ({
      id: `msg_${crypto.randomUUID().replaceAll('-', '')}`,
      type: 'message',
      status: 'completed',
      role,
      content: parts.flatMap((part) => inputPart(part, role)),
    }))
}

function inputPart(part: Part, role: string): InputPart[] {
  if (part.kind === 'other') return []
  if (part.kind === 'text') {
    const { text } = part
    return [role === 'assistant' ? { type: 'output_text', text, annotations: [] } : { type: 'input_text', text }]
  }
  const { isId, data, filename, param } = part
  const address = isId || !/^\s*[a-z][a-z0-9+.-]+:\/\//i.test(data) ? null : data.trim()
  if (param.endsWith('image_url')) {
    return [{ type: 'input_image', detail: 'auto', file_id: isId ? data : null, image_url: address }]
  }
  return [
    {
      type: 'input_file',
      ...(filename === null ? {} : { filename }),
      ...(isId ? { file_id: data } : {}),
      ...(address === null ? {} : { file_url: address }),
    },
  ]
}

/** Which items of a list are asked for. */
export interface ListWish {
  readonly limit: number
  readonly order: 'asc' | 'desc'
  /** The id of the item before the first; null: from the beginning. */
  readonly after: string | null
}

/** Writes a part of the items as a list. Throws `invalid_value` for an item that is not among them. */
export function inputItemList(items: readonly InputItem[], { limit, order, after }: ListWish): InputItemList {
  const ordered = order === 'asc' ? items : items.toReversed()
  const from = after === null ? 0 : ordered.findIndex(({ id }) => id === after) + 1
  if (after !== null && from === 0) {
    throw new GatewayError('invalid_value', 'after: there is no such item here.', { param: 'after' })
  }
  const data = ordered.slice(from, from + limit)
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: from + data.length < ordered.length,
  }
}
