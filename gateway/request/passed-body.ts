import { withMembers } from './body/json-members.ts'
import type { ParsedJson } from './body/parse-json.ts'
import type { PassedOn } from './chat.ts'

/**
 * Returns a body as its upstream is sent it: with the model's own name in place of the gateway's alias, and what else is to
 * change. Every other body stays as it came.
 */
export async function passedBody(
  body: ParsedJson,
  { model, changed }: Pick<PassedOn, 'model' | 'changed'>,
): Promise<Buffer> {
  const isAliased = (body.outline as { model?: unknown }).model !== model.id
  if (!isAliased && Object.keys(changed).length === 0) return body.bytes
  return withMembers(body, { ...changed, model: model.id })
}
