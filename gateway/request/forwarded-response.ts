import type { RequestBody } from './context.ts'
import { checkBody, checkContent, checkFields, refused, refuseMedia, type Forwarding } from './forwarded.ts'

type Fields = Readonly<Record<string, unknown>>

/** Throws for a request for a response that must not reach an upstream; see docs/security.md. */
export async function checkForwardedResponse(body: RequestBody, forwarding: Forwarding): Promise<void> {
  await checkBody(body, (value) => {
    const { input, text: _, instructions, ...fields } = value
    for (const [name, why] of Object.entries(unwanted)) {
      const held = fields[name] ?? null
      if (held !== null && held !== false) throw refused(name, why)
    }
    checkFields(fields, forwarding)
    checkTools(fields['tools'])
    if ((instructions ?? null) !== null && typeof instructions !== 'string') {
      throw refused('instructions', 'expected a string')
    }
    checkInput(input, forwarding)
  })
}

/** What an upstream would keep, or look up, for whoever asks. */
const unwanted: Readonly<Record<string, string>> = {
  background: 'only documents are read in the background; leave it out',
  previous_response_id:
    'the upstream keeps the responses of all callers together, so that no id is passed on; send the items of the conversation',
  conversation: 'the upstream keeps no conversations; send the items in "input"',
  previous_response: 'it is not passed on; send the items of the conversation in "input"',
  previous_input_messages: 'it is not passed on; send the items in "input"',
}

/** A tool that is no function of the client's own is one that the upstream would run: addresses of servers, code, searches. */
function checkTools(tools: unknown): void {
  if (!Array.isArray(tools)) return
  for (const [index, tool] of tools.entries()) {
    if ((Object(tool) as Fields)['type'] !== 'function') {
      throw refused(
        `tools[${index}]`,
        'only tools of the type "function" are passed on; the upstream would run any other',
      )
    }
  }
}

function checkInput(input: unknown, forwarding: Forwarding): void {
  if (typeof input === 'string') return
  if (!Array.isArray(input)) throw refused('input', 'expected a string, or an array of items')
  for (const [index, item] of input.entries()) checkItem(Object(item) as Fields, `input[${index}]`, forwarding)
}

/** The items that may reach an upstream, and their fields that hold what a client or a model has said, in any shape. */
const itemFields: Readonly<Record<string, readonly string[]>> = {
  message: ['role', 'phase'],
  function_call: ['call_id', 'name', 'arguments', 'namespace'],
  function_call_output: ['call_id'],
  reasoning: ['summary', 'encrypted_content'],
}

function checkItem(item: Fields, path: string, forwarding: Forwarding): void {
  const type = (item['type'] ?? null) === null ? 'message' : String(item['type'])
  const known = Object.hasOwn(itemFields, type) ? itemFields[type] : undefined
  if (known === undefined) {
    throw refused(
      `${path}.type`,
      `an item of this type is not passed on; these are: ${Object.keys(itemFields).join(', ')}`,
    )
  }
  for (const [name, value] of Object.entries(item)) {
    if (known.includes(name) || ['type', 'id', 'status'].includes(name)) continue
    const at = `${path}.${name}`
    if (type === 'reasoning' && name === 'content') checkReasoning(value, at)
    else if (name === 'content' || name === 'output') checkContent(value, at, forwarding)
    else refuseMedia(name, value, at)
  }
}

function checkReasoning(content: unknown, path: string): void {
  const parts = Array.isArray(content) ? content : []
  for (const [index, part] of parts.entries()) {
    for (const [name, value] of Object.entries(Object(part) as Fields)) {
      if (typeof value !== 'string') throw refused(`${path}[${index}].${name}`, 'expected a string')
    }
  }
}
