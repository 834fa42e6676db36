import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { repeatedName } from '../../../gateway/request/body/repeated-name.ts'
import { checkForwardedChat } from '../../../gateway/request/forwarded.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const address = '"http://10.0.0.1/"'
const wholes = [
  '"type":"text","text":"x"',
  '"type":"input_text","text":null',
  '"type":"refusal","refusal":"x"',
  '"type":"thinking","thinking":"x"',
  '"type":"tool_reference","name":"a"',
  `"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}`,
  `"type":"video_url","video_url":"data:video/mp4;base64,AAAA"`,
  `"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}`,
]
const media = ['image_url', 'image_pil', 'image_embeds', 'audio_embeds', 'video_embeds', 'prompt_embeds', 'audio_url', 'input_audio', 'video_url'] // prettier-ignore
const names = ['type', 'text', 'uuid', ...media, 'data', 'url', 'image', 'file', 'detail', 'cache_control', 'index', 'id'] // prettier-ignore
const types = [...media, 'text', 'input_image', 'Text'].map((type) => JSON.stringify(type)).concat('null', '["text"]')
const values = [address, '"x"', 'null', '1', 'true', '[]', `{"url":${address}}`, '{"type":"ephemeral"}', '"data:image/png;base64,AA"'] // prettier-ignore

/**
 * What vLLM 0.32 takes from a part, `type` and content, as `_parse_chat_message_content_mm_part` in its
 * `renderers/chat_utils.py` finds it: a `uuid`, or no type, makes it look at the names.
 */
function takenByVllm(part: Readonly<Record<string, unknown>>): { readonly type: string; readonly content: unknown } {
  const { type = null, uuid = null } = part
  if (typeof type === 'string' && uuid === null) {
    const field = { input_text: 'text', output_text: 'text', input_image: 'image_url', prompt_embeds: 'data' }[type]
    return { type, content: part[field ?? type] }
  }
  const named = media.find((name) => Object.hasOwn(part, name))
  return named === undefined ? { type: String(type), content: part['text'] } : { type: named, content: part[named] }
}

describe('a chat that passes, however it was put together', () => {
  const random = seededRandom(9)
  const below = (count: number) => random.integer(0, count - 1)
  const written = (name: string) =>
    Array.from(name, (letter) => (below(40) === 0 ? `\\u00${letter.charCodeAt(0).toString(16)}` : letter)).join('')
  const field = () => {
    const name = random.pick(names)
    return `"${written(name)}":${random.pick(name === 'type' ? types : values)}`
  }

  function chats(count: number) {
    return Array.from({ length: count }, () => {
      const fields = [...(below(8) === 0 ? [] : [random.pick(wholes)]), ...Array.from({ length: below(3) }, field)]
      if (below(2) === 0) fields.reverse()
      const beside = below(4) === 0 ? `,${field()}` : ''
      const role = random.pick(['user', 'system', 'assistant', 'tool'])
      return `{"model":"m","messages":[{"role":"${role}","content":[{${fields.join(',')}}]${beside}}]}`
    })
  }

  async function passing(forwarding: { media: boolean }) {
    const passed: string[] = []
    for (const json of chats(6000)) {
      const outline: unknown = JSON.parse(json)
      const body = { outline, longText: () => null, repeatedName: () => repeatedName(Buffer.from(json)) }
      await checkForwardedChat(body, forwarding).then(
        () => passed.push(json),
        () => {},
      )
    }
    return passed
  }

  const partsOf = (json: string) =>
    (JSON.parse(json) as { messages: { content: Record<string, unknown>[] }[] }).messages.flatMap(({ content }) => content) // prettier-ignore

  it('has nothing but text for vLLM, where it is for an OCR model', async () => {
    const passed = await passing({ media: false })
    assert.ok(passed.length > 300, `only ${passed.length} passed`)
    for (const json of passed) {
      for (const part of partsOf(json)) {
        assert.ok(
          ['text', 'input_text', 'refusal', 'thinking', 'tool_reference'].includes(takenByVllm(part).type),
          json,
        )
        assert.ok(!media.some((name) => Object.hasOwn(part, name)), json)
      }
    }
  })

  it('has nothing that vLLM would fetch, where it is for another model', async () => {
    const passed = await passing({ media: true })
    assert.ok(passed.length > 500, `only ${passed.length} passed`)
    const withMedia = passed.filter((json) => partsOf(json).some((part) => media.includes(takenByVllm(part).type)))
    assert.ok(withMedia.length > 100, `only ${withMedia.length} passed with media`)
    for (const json of passed) {
      assert.ok(!json.includes('10.0.0.1') || /"text":"http/.test(json), json)
      for (const part of partsOf(json)) {
        const { type, content } = takenByVllm(part)
        assert.ok(!/embeds|pil/.test(type) && !Object.hasOwn(part, 'uuid'), json)
        if (type.endsWith('_url')) assert.match(JSON.stringify(content), /^(?:\{"url":)?"data:/, json)
      }
    }
  })
})
