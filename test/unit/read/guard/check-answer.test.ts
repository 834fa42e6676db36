import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AttemptReason } from '../../../../gateway/engine/engine.ts'
import { checkAnswer } from '../../../../gateway/read/guard/check-answer.ts'
import { hunyuanocr15 } from '../../../../gateway/profile/models/hunyuanocr.ts'
import { lightonocr2 } from '../../../../gateway/profile/models/lightonocr.ts'
import { pagePrompt, servedModel } from '../../../support/page-prompt.ts'

const lighton = pagePrompt({ model: servedModel(lightonocr2) })
const hunyuan = pagePrompt({ model: servedModel(hunyuanocr15) })
const remark = 'There is no content in the provided image to convert into Markdown format.'

interface Row {
  readonly name: string
  readonly text: string
  readonly finishReason?: string
  readonly prompt?: typeof lighton
  readonly reason: AttemptReason | null
}

const rows: readonly Row[] = [
  { name: 'a page', text: '# Title', reason: null },
  { name: 'a single digit', text: '7', reason: null },
  { name: 'nothing', text: '', reason: 'empty' },
  { name: 'white space', text: ' \n\t', reason: 'empty' },
  { name: 'a fence around nothing', text: '```markdown\n```', reason: 'empty' },
  { name: 'the remark about an empty page', text: remark, reason: 'commentary' },
  { name: 'the remark of another model', text: ` ${remark}\n`, prompt: hunyuan, reason: 'commentary' },
  { name: 'a page that quotes the remark', text: `${remark}\n\nSo it says.`, reason: null },
  { name: 'cut off', text: '# Ti', finishReason: 'length', reason: 'cut_off' },
  { name: 'aborted', text: '# Ti', finishReason: 'abort', reason: 'aborted' },
  { name: 'stopped by the engine for repeating itself', text: 'a', finishReason: 'repetition', reason: 'loop' },
  { name: 'stopped for another reason', text: 'a', finishReason: 'content_filter', reason: 'cut_off' },
  { name: 'the prompt', text: hunyuan.text ?? '', prompt: hunyuan, reason: 'echo' },
  { name: 'the prompt in bold', text: `**${hunyuan.text}**`, prompt: hunyuan, reason: 'echo' },
  { name: 'the prompt and more', text: `${hunyuan.text}\n\n好的。`, prompt: hunyuan, reason: 'echo' },
  { name: 'most of the prompt', text: hunyuan.text?.slice(0, 60) ?? '', prompt: hunyuan, reason: 'echo' },
  { name: 'a word of the prompt', text: '页脚', prompt: hunyuan, reason: null },
  { name: 'a page about the prompt', text: `论文的提示词：${hunyuan.text}`, prompt: hunyuan, reason: null },
  { name: 'a page that is the word grounding', text: 'A grounding wire', prompt: pagePrompt({ text: 'grounding' }), reason: null }, // prettier-ignore
]

describe('an answer', () => {
  for (const { name, text, finishReason = 'stop', prompt = lighton, reason } of rows) {
    it(`${reason === null ? 'counts' : `does not count (${reason})`}: ${name}`, () => {
      assert.equal(checkAnswer(prompt, text, finishReason), reason)
    })
  }
})
