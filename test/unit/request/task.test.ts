import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError } from '../../../gateway/errors.ts'
import { ocrObjectNames } from '../../../gateway/request/ocr-object.ts'
import type { OcrModel } from '../../../gateway/profile/question.ts'
import type { OcrOptions } from '../../../gateway/request/options.ts'
import { chooseTask } from '../../../gateway/request/task.ts'
import { makeModel } from '../../support/make-request.ts'

const tasks = {
  document: { text: 'Read the page.' },
  table: { text: 'Parse the table.' },
  extract: { text: null, json: true, textForFields: (fields: readonly string[]) => `Give ${fields.join('+')}.` },
}
const free = makeModel({ tasks, freePrompt: true })
const fixed = makeModel({ tasks, freePrompt: false })
const imageOnly = makeModel()

const choose = (model: OcrModel, options: Partial<OcrOptions>, userText: string) =>
  chooseTask(
    model,
    { task: null, fields: null, minConfidence: null, output: 'markdown', answerFormat: null, ...options },
    userText,
    ocrObjectNames,
  )

describe('choosing the task', () => {
  it("sends the task's own prompt", () => {
    assert.equal(choose(fixed, {}, '').prompt, 'Read the page.')
    assert.equal(choose(fixed, { task: 'table' }, '').prompt, 'Parse the table.')
  })

  it("sends the user's text where the model takes free prompts", () => {
    assert.deepEqual(choose(free, {}, 'Only the totals.'), {
      task: 'document',
      prompt: 'Only the totals.',
      answersJson: false,
      warnings: [],
    })
  })

  it("does not send the user's text to other models, and warns", () => {
    for (const model of [fixed, imageOnly]) {
      const { prompt, warnings } = choose(model, {}, 'Only the totals.')
      assert.equal(prompt, model.profile.tasks.document.text)
      assert.deepEqual(
        warnings.map(({ code }) => code),
        ['prompt_not_used'],
      )
    }
  })

  it('treats an official prompt as the name of its task', () => {
    const { task, prompt, warnings } = choose(fixed, {}, 'Parse the table.')
    assert.deepEqual([task, prompt, warnings], ['table', 'Parse the table.', []])
  })

  it('prefers a task that was named to a text, and warns', () => {
    const { prompt, warnings } = choose(free, { task: 'table' }, 'Only the totals.')
    assert.equal(prompt, 'Parse the table.')
    assert.match(warnings[0]?.message ?? '', /ocr\.task "table"/)
  })

  it('builds a prompt from field names, or from the properties of a JSON schema', () => {
    assert.equal(choose(fixed, { task: 'extract', fields: ['date', 'total'] }, '').prompt, 'Give date+total.')
    const schema = { type: 'object', properties: { date: {}, total: {} } }
    assert.equal(choose(fixed, { task: 'extract', fields: schema }, '').prompt, 'Give date+total.')
    assert.equal(choose(fixed, { task: 'extract', fields: ['date'] }, '').answersJson, true)
  })

  const schema = { type: 'object', properties: { date: {}, total: {} } }
  const noExtract = makeModel({ tasks: { document: tasks.document }, freePrompt: false })

  describe('for a client that parses the answer as JSON', () => {
    it('extracts the fields of its schema, where the model has that task', () => {
      for (const task of [null, 'extract']) {
        const { fields: wish, ...chosen } = choose(fixed, { task, answerFormat: { schema } }, '')
        assert.deepEqual(chosen, { task: 'extract', prompt: 'Give date+total.', answersJson: true, warnings: [] })
        assert.deepEqual([wish?.schema, wish?.param, wish?.isJoined], [schema, 'response_format', true])
      }
    })

    it("sends the client's own text before the fields, where the model takes free prompts", () => {
      const { task, prompt, warnings } = choose(free, { answerFormat: { schema } }, 'Dates as ISO 8601.')
      assert.deepEqual([task, prompt, warnings], ['extract', 'Dates as ISO 8601.\n\nGive date+total.', []])
    })

    it('prefers fields that were named', () => {
      const options = { task: 'extract', fields: ['vat'], answerFormat: { schema } }
      assert.equal(choose(fixed, options, '').prompt, 'Give vat.')
    })

    const warned: readonly { name: string; model: OcrModel; options: Partial<OcrOptions>; text?: string }[] = [
      { name: 'the model has no task for it', model: noExtract, options: { answerFormat: { schema } } },
      { name: 'it names no fields', model: fixed, options: { answerFormat: { schema: { type: 'array' } } } },
      { name: 'any JSON was asked for', model: fixed, options: { answerFormat: { schema: null } } },
      {
        name: 'its own text is sent',
        model: free,
        options: { answerFormat: { schema: null } },
        text: 'As JSON, please.',
      },
      { name: 'another task was named', model: fixed, options: { task: 'table', answerFormat: { schema } } },
      { name: 'an official prompt names another task', model: fixed, options: { answerFormat: { schema } }, text: 'Parse the table.' }, // prettier-ignore
      { name: 'it wants plain text', model: fixed, options: { output: 'text', answerFormat: { schema } } },
      { name: 'it wants the object of pages', model: fixed, options: { output: 'json', answerFormat: { schema } } },
    ]
    for (const { name, model, options, text = '' } of warned) {
      it(`warns that it gets something else: ${name}`, () => {
        const { warnings } = choose(model, options, text)
        assert.deepEqual(
          warnings.map(({ code, message }) => [code, message.startsWith('response_format was not sent')]),
          [['response_format_ignored', true]],
        )
      })
    }

    it('does not warn where the answer is JSON all the same', () => {
      const options = { task: 'extract', fields: ['vat'], answerFormat: { schema: null } }
      assert.deepEqual(choose(fixed, options, '').warnings, [])
      assert.deepEqual(choose(fixed, { output: 'json', answerFormat: { schema: null } }, '').warnings, [])
    })
  })

  for (const { name, options, param, says } of [
    {
      name: 'a task that the model lacks',
      options: { task: 'chart' },
      param: 'ocr.task',
      says: /document, table, extract/,
    },
    {
      name: 'a task named after an inherited property',
      options: { task: 'toString' },
      param: 'ocr.task',
      says: /has no task/,
    },
    { name: 'extract without fields', options: { task: 'extract' }, param: 'ocr.fields', says: /needs ocr\.fields/ },
    {
      name: 'fields for another task',
      options: { task: 'table', fields: ['a'] },
      param: 'ocr.fields',
      says: /for the task "extract"/,
    },
  ]) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => choose(fixed, options, ''),
        (error: unknown) =>
          error instanceof GatewayError &&
          error.code === 'invalid_value' &&
          error.param === param &&
          says.test(error.message),
      )
    })
  }
})
