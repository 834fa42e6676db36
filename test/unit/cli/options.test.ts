import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { readQuestion, type GivenOptions } from '../../../gateway/cli/options.ts'
import { useFolder } from '../../support/use-folder.ts'

const given: GivenOptions = { model: 'default', resume: true }
const questionOf = (options: Partial<GivenOptions>, env: Record<string, string> = {}, isOne = true) =>
  readQuestion({ ...given, ...options }, env, isOne)

describe('what is asked for', () => {
  const { path } = useFolder()
  const file = join(path, 'password')
  writeFileSync(file, 'open sesame\r\n')

  it('is the options of the gateway, those that have a name of their own last', () => {
    const { ocr } = questionOf({
      ocr: '{"pages": "9", "join": true}',
      pages: '1-2',
      prepare: 'rotate, resolution',
      tables: 'html',
    })
    assert.deepEqual(ocr, { pages: '1-2', join: true, tables: 'html', prepare: { rotate: true, resolution: 'auto' } })
  })

  it('has what pages are to be joined, and what becomes of headers and footers, which makes another question', () => {
    const { ocr, hash } = questionOf({ join: true, headers: 'strip', footers: 'separate' })
    assert.deepEqual(ocr, { join: true, headers: 'strip', footers: 'separate' })
    assert.notEqual(hash, questionOf({}).hash)
  })

  it('gives way to others where several documents are read', () => {
    assert.equal(questionOf({}).serviceTier, 'default')
    assert.equal(questionOf({}, {}, false).serviceTier, 'flex')
    assert.equal(questionOf({ serviceTier: 'default' }, {}, false).serviceTier, 'default')
  })

  it('has a password from an option, a file or the environment', () => {
    assert.equal(questionOf({ password: 'a' }, { OCR_PASSWORD: 'b' }).ocr.password, 'a')
    assert.equal(questionOf({ passwordFile: file }).ocr.password, 'open sesame')
    assert.equal(questionOf({}, { OCR_PASSWORD: 'b' }).ocr.password, 'b')
    assert.equal('password' in questionOf({}, { OCR_PASSWORD: '' }).ocr, false)
  })

  it('is the same for what leads to the same answer, and another one for anything else', () => {
    const { hash } = questionOf({ pages: '1', task: 'table' })
    const same = [
      questionOf({ ocr: '{"task": "table", "pages": "1"}' }),
      questionOf({ pages: '1', task: 'table', password: 'x', dryRun: true, concurrency: 3, quiet: true }, {}, false),
    ]
    const others = [
      questionOf({ pages: '2', task: 'table' }),
      questionOf({ pages: '1', task: 'table', json: true }),
      questionOf({ pages: '1', task: 'table', model: 'other' }),
    ]
    assert.ok(same.every((each) => each.hash === hash))
    assert.ok(others.every((each) => each.hash !== hash))
  })

  it('is pictures beside the text of a folder, which is the same question as before', () => {
    const { hash } = questionOf({})
    const beside = questionOf({ out: 'out' })
    assert.deepEqual([beside.ocr.figures, beside.figuresAreAsked, beside.hash], ['reference', false, hash])
    for (const options of [{ output: 'text' as const }, { dryRun: true }])
      assert.equal(questionOf({ out: 'out', ...options }).ocr.figures, undefined)
    for (const options of [{ figures: 'drop' as const }, { ocr: '{"figures": "drop"}' }]) {
      const dropped = questionOf({ out: 'out', ...options })
      assert.deepEqual([dropped.ocr.figures, dropped.figuresAreAsked], ['drop', true])
      assert.notEqual(dropped.hash, hash)
    }
  })

  for (const [name, options, says] of [
    ['no such preparation', { prepare: 'rotat' }, /--prepare takes some of rotate, .*, and not "rotat"/],
    ['no JSON', { ocr: '{' }, /--ocr must be a JSON object/],
    ['no object', { ocr: '[]' }, /--ocr must be a JSON object/],
    ['pictures without a place', { figures: 'reference' }, /--figures reference needs --out/],
    ['two passwords', { password: 'a', passwordFile: 'b' }, /cannot both be given/],
    ['no file of a password', { passwordFile: '/nowhere/password' }, /--password-file cannot be read: ENOENT/],
  ] as const)
    it(`is refused: ${name}`, () => {
      assert.throws(() => questionOf(options), { exitCode: 2, message: says })
    })
})
