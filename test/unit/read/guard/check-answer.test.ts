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
  { name: 'a remark in Chinese', text: '图片中没有文字。', question: hunyuan, reason: 'commentary' },
  { name: 'that the page is left blank', text: 'This page intentionally left blank', reason: null },
  { name: 'sixty exclamation marks', text: '!'.repeat(60), reason: 'garbled' },
  { name: 'one sign', text: '.', reason: 'garbled' },
  { name: 'signs in a fence', text: '```\n---\n```', reason: 'garbled' },
  { name: 'signs between tags', text: '<p>***</p>', reason: 'garbled' },
  { name: 'replacement characters', text: '\uFFFD'.repeat(20), reason: 'garbled' },
  { name: 'bars and rules', text: '│ ─── █ |', reason: 'garbled' },
  { name: 'the bytes of spaces', text: 'Ġ ĠĠĊ Ċ', reason: 'garbled' },
  { name: 'words with the bytes of spaces', text: '#ĠMinutesĊĊTheĠmeetingĠwasĠopenedĠatĠnine.Ċ', reason: 'garbled' },
  { name: 'two words with them', text: 'TheĠmeetingĊ', reason: 'garbled' },
  { name: 'the bytes of Chinese', text: 'åħ¬åı¸æĢ»éĥ¨ä½įäºİåĮĹäº¬', reason: 'garbled' },
  { name: 'Maltese', text: 'Ġużeppi u Ċensa marru l-MAĠĠORANZA. Ċentru. Ġie l-Ġimgħa.', reason: null },
  { name: 'Latvian', text: 'Šķērsielā dzīvo āķīgs vīrs, kurš ēd kāpostus.', reason: null },
  { name: 'Czech', text: 'Příliš žluťoučký kůň úpěl ďábelské ódy.', reason: null },
  { name: 'a tick', text: '✓', reason: null },
  { name: 'an arrow', text: '→', reason: null },
  { name: 'emoji', text: '😀', reason: null },
  { name: 'an empty box', text: '☐', reason: null },
  { name: 'an infinity', text: '∞', reason: null },
  { name: 'a price without a number', text: '€', reason: null },
  { name: 'a formula', text: '$$\\int$$', reason: null },
  { name: 'Arabic digits', text: '٣', reason: null },
  { name: 'a picture', text: '![](image_1.png)', reason: null },
  { name: 'an empty grid', text: '<table><tr><td></td><td></td></tr></table>', reason: null },
  { name: 'an empty grid in Markdown', text: '|  |  |\n|---|---|\n|  |  |', reason: null },
  { name: 'an empty list, as JSON', text: '[]', question: { ...hunyuan, task: 'spotting' }, reason: null },
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

  it('is judged in a moment, though it is half a megabyte of spaces and tabs', () => {
    const spaces = Array.from({ length: 500_000 }, (_, at) => (at % 7 < 3 || at % 11 < 4 ? ' ' : '\t')).join('')
    const before = process.cpuUsage()
    assert.equal(checkAnswer(lighton, `.${spaces}.\n${spaces}.`, 'stop'), 'garbled')
    assert.ok(process.cpuUsage(before).user / 1e6 < 1)
  })
})
