import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { z } from 'zod'
import { pageRequest } from '../../../gateway/engine/vllm/page-request.ts'
import { findProfile, profiles } from '../../../gateway/profile/profiles.ts'
import { grayPageImage, promptOf, servedModel } from '../../support/page-prompt.ts'

const folder = join(import.meta.dirname, '../../fixtures/profile-requests')

/** What a model's own client sends about a page: derived from its code, which `source` names. */
const recordedRequest = z.strictObject({
  profile: z.string(),
  /** As the request names it. */
  model: z.string(),
  task: z.string(),
  source: z.url(),
  how: z.string(),
  /** Fields in which the gateway differs on purpose, and why. */
  notes: z.record(z.string(), z.string()),
  /** In place of the image's base64 stands IMAGE. */
  body: z.looseObject({ model: z.string(), messages: z.array(z.unknown()) }),
})

const recorded = readdirSync(folder).map((file) =>
  recordedRequest.parse(JSON.parse(readFileSync(join(folder, file), 'utf8'))),
)

/** What the gateway says in every request; a client that leaves it out gets the defaults of the model's files. */
const ALWAYS: Readonly<Record<string, unknown>> = {
  top_p: 1,
  top_k: -1,
  repetition_penalty: 1,
  stream: true,
  stream_options: { include_usage: true },
}

/** The older of vLLM's two names for the same limit; the gateway uses no other. */
const limitOf = (body: Readonly<Record<string, unknown>>): unknown =>
  body['max_completion_tokens'] ?? body['max_tokens']

async function sentBy(profileId: string, model: string, task: string) {
  const profile = findProfile(profileId)
  assert.ok(profile)
  const image = { ...(await grayPageImage(1700, 2200)), mediaType: profile.imageMediaType }
  const asked = profile.tasks[task]
  assert.ok(asked, `${profileId} has no task ${task}`)
  const served = servedModel(profile, { id: model, maxModelLen: profile.defaultMaxModelLen })
  const { body } = pageRequest(await promptOf({ model: served, task, prompt: asked.text, image }))
  assert.ok(body instanceof Uint8Array)
  const text = Buffer.from(body).toString().replace(Buffer.from(image.data).toString('base64'), 'IMAGE')
  return JSON.parse(text) as Record<string, unknown>
}

describe("a page's request is that of the model's own client", () => {
  for (const { profile, model, task, how, notes, body } of recorded)
    it(`${profile}, ${task}: ${how}`, async () => {
      const sent = await sentBy(profile, model, task)
      // Byte by byte, the order of the parts included.
      assert.equal(JSON.stringify(sent['messages']), JSON.stringify(body.messages))
      const { messages: _, max_tokens: sentLimit, ...rest } = sent
      const own = Object.entries(body).filter(([name]) => !/^(?:messages|max_(?:completion_)?tokens)$/.test(name))
      const expected = { ...ALWAYS, ...Object.fromEntries(own.filter(([name]) => !(name in notes))) }
      assert.deepEqual(rest, expected)
      if (!('max_tokens' in notes)) assert.equal(sentLimit, limitOf(body))
      else assert.ok(Number(sentLimit) > 4000, `${String(sentLimit)} tokens are too few for a page`)
    })

  it('for each profile of a model that has a client', () => {
    const without = ['lightonocr', 'hunyuanocr', 'generic', 'qwen3-vl']
    const known = new Set(recorded.map(({ profile }) => profile))
    const missing = profiles.filter(({ id }) => !without.some((prefix) => id.startsWith(prefix)) && !known.has(id))
    assert.deepEqual(missing.map(({ id }) => id), []) // prettier-ignore
  })
})
