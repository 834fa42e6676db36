import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkAnswer } from '../../../../gateway/read/guard/check-answer.ts'
import type { AttemptReason } from '../../../../gateway/read/page-answer.ts'
import { hunyuanocr15 } from '../../../../gateway/profile/models/hunyuanocr.ts'
import { lightonocr2 } from '../../../../gateway/profile/models/lightonocr.ts'
import { questionOf, servedModel } from '../../../support/page-prompt.ts'

const lighton = questionOf({ model: servedModel(lightonocr2) })
const hunyuan = questionOf({ model: servedModel(hunyuanocr15) })
const remark = 'There is no content in the provided image to convert into Markdown format.'

interface Row {
  readonly name: string
  readonly text: string
  readonly finishReason?: string
  readonly question?: typeof lighton
  readonly reason: AttemptReason | null
}

const rows: readonly Row[] = [
  { name: 'a page', text: '# Title', reason: null },
  { name: 'a single digit', text: '7', reason: null },
  { name: 'nothing', text: '', reason: 'empty' },
  { name: 'white space', text: ' \n\t', reason: 'empty' },
  { name: 'a fence around nothing', text: '```markdown\n```', reason: 'empty' },
  { name: 'the remark about an empty page', text: remark, reason: 'commentary' },
  { name: 'the remark of another model', text: ` ${remark}\n`, question: hunyuan, reason: 'commentary' },
  { name: 'a page that quotes the remark', text: `${remark}\n\nSo it says.`, reason: null },
  { name: 'cut off', text: '# Ti', finishReason: 'length', reason: 'cut_off' },
  { name: 'aborted', text: '# Ti', finishReason: 'abort', reason: 'aborted' },
  { name: 'stopped by the engine for repeating itself', text: 'a', finishReason: 'repetition', reason: 'loop' },
  { name: 'stopped for another reason', text: 'a', finishReason: 'content_filter', reason: 'cut_off' },
  { name: 'the prompt', text: hunyuan.prompt ?? '', question: hunyuan, reason: 'echo' },
  { name: 'the prompt in bold', text: `**${hunyuan.prompt}**`, question: hunyuan, reason: 'echo' },
  { name: 'the prompt and more', text: `${hunyuan.prompt}\n\n好的。`, question: hunyuan, reason: 'echo' },
  { name: 'most of the prompt', text: hunyuan.prompt?.slice(0, 60) ?? '', question: hunyuan, reason: 'echo' },
  { name: 'a word of the prompt', text: '页脚', question: hunyuan, reason: null },
  { name: 'a page about the prompt', text: `论文的提示词：${hunyuan.prompt}`, question: hunyuan, reason: null },
  { name: 'a page that is the word grounding', text: 'A grounding wire', question: questionOf({ prompt: 'grounding' }), reason: null }, // prettier-ignore
]

describe('an answer', () => {
  for (const { name, text, finishReason = 'stop', question = lighton, reason } of rows) {
    it(`${reason === null ? 'counts' : `does not count (${reason})`}: ${name}`, () => {
      assert.equal(checkAnswer(question, text, finishReason), reason)
    })
  }
})
