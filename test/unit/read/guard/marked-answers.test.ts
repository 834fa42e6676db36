import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findProfile } from '../../../../gateway/profile/profiles.ts'
import { agreement } from '../../../../gateway/read/evidence/agreement.ts'
import { isTranscription } from '../../../../gateway/read/evidence/contradiction.ts'
import { checkAnswer } from '../../../../gateway/read/guard/check-answer.ts'
import { watchForLoop } from '../../../../gateway/read/guard/loop.ts'
import { questionOf, servedModel } from '../../../support/page-prompt.ts'

/** Writes a page of blocks as a model does. */
interface Spelling {
  readonly profile: string
  readonly block: (text: string, line: number) => string
  readonly page: (blocks: readonly string[]) => string
}

const spellings: readonly Spelling[] = [
  {
    profile: 'dots-mocr',
    block: (text, line) => `{"bbox": [83, ${line}, 1570, ${line + 9}], "category": "List-item", "text": "${text}"}`,
    page: (blocks) => `[${blocks.join(', ')}]`,
  },
  {
    profile: 'infinity-parser-2',
    block: (text, line) => `{"bbox": [83, ${line}, 990, ${line + 9}], "category": "text", "text": "${text}"}`,
    page: (blocks) => `\`\`\`json\n[\n${blocks.join(',\n')}\n]\n\`\`\``,
  },
  {
    profile: 'deepseek-ocr-1',
    block: (text, line) => `<|ref|>text<|/ref|><|det|>[[115, ${line}, 870, ${line + 9}]]<|/det|>\n${text}  \n`,
    page: (blocks) => blocks.join('\n'),
  },
  {
    profile: 'chandra-2',
    block: (text, line) => `<div data-bbox="85 ${line} 479 ${line + 9}" data-label="Text"><p>${text}</p></div>`,
    page: (blocks) => blocks.join('\n'),
  },
  {
    profile: 'granite-docling',
    block: (text, line) => `<text><loc_10><loc_${line % 500}><loc_400><loc_${(line + 9) % 500}>${text}</text>`,
    page: (blocks) => `<doctag>${blocks.join('\n')}\n</doctag><end_of_utterance>`,
  },
]

const PROSE =
  'The committee met in the town hall on the third of May and heard seven witnesses about the closing of the harbour in spring'

describe('an answer with marks around its blocks', () => {
  for (const { profile: id, block, page } of spellings) {
    const profile = findProfile(id)
    assert.ok(profile)
    const question = questionOf({ model: servedModel(profile), prompt: profile.tasks.document.text })
    const write = (texts: readonly string[]) => page(texts.map((text, index) => block(text, 20 + 12 * index)))
    const loopIn = (text: string) => {
      const watch = watchForLoop('strict')
      for (let end = 128; end < text.length + 128; end += 128) if (watch.see(text.slice(0, end)) !== null) return true
      return false
    }

    it(`counts: ${id}`, () => {
      const answer = write(PROSE.split(' '))
      assert.equal(checkAnswer(question, answer, 'stop'), null)
      assert.equal(loopIn(answer), false)
    })

    it(`may hold hundreds of numbers, each in a block: ${id}`, () => {
      const numbers = Array.from({ length: 300 }, (_, index) => String((index * 37) % 1000))
      const answer = write(numbers)
      assert.equal(loopIn(answer), false)
      assert.equal(checkAnswer(question, answer, 'stop'), null)
    })

    it(`loops when it counts on with words: ${id}`, () => {
      const counted = Array.from({ length: 300 }, (_, index) => `Figure ${index}: a view of the harbour`)
      assert.equal(loopIn(write(counted)), true)
    })

    it(`is compared with a text layer without them: ${id}`, () => {
      assert.equal(isTranscription(question), true)
      const text = profile.clean(write(PROSE.split(' ')), 'document')
      assert.equal(text.replaceAll(/\s+/g, ' '), PROSE)
      assert.equal(agreement(PROSE, text), 1)
    })
  }

  it('is a picture alone, and empty where it says that there is nothing', () => {
    const chandra = findProfile('chandra-2')
    assert.ok(chandra)
    const question = questionOf({ model: servedModel(chandra), prompt: chandra.tasks.document.text })
    const picture = '<div data-bbox="1 2 900 900" data-label="Image"><img alt=""/></div>'
    assert.equal(checkAnswer(question, picture, 'stop'), null)
    assert.equal(
      checkAnswer(question, '<div data-bbox="0 0 1000 1000" data-label="Blank-Page"></div>', 'stop'),
      'empty',
    )
  })
})
