import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createPlayground, type Playground } from '../../../gateway/web/app/state/playground.ts'
import type { ReadEvent } from '../../../gateway/web/app/stream/events.ts'
import { ConnectionLost, ProblemError } from '../../../gateway/web/app/stream/problem.ts'
import { requestBody, type Question } from '../../../gateway/web/app/stream/request-body.ts'

const text = (page: number): ReadEvent => ({ type: 'text', page, text: `text ${page}`, line: null })
const lost = new ConnectionLost('The connection broke.')
const refused = (status: number, code: string): ProblemError =>
  new ProblemError({ status, code, message: `${code} it is` })

/** What a gateway answers: events, and at their end what it throws; `hang`: nothing more comes. */
type Answer = readonly (ReadEvent | Error | 'hang')[]

function setUp(answers: readonly Answer[], { models = ['default'], modelsError = null as Error | null } = {}) {
  const questions: Question[] = []
  const deleted: string[] = []
  const pauses: (() => void)[] = []
  const left: string[] = []
  let key: string | null = null
  let error = modelsError
  const playground = createPlayground({
    gateway: {
      models: async () => {
        if (error !== null) throw error
        return models
      },
      optionsSchema: async () => null,
      async *read(question, signal) {
        const answer = answers[questions.length] ?? []
        questions.push(question)
        for (const each of answer) {
          if (each instanceof Error) throw each
          if (each === 'hang') {
            await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
          } else yield each
        }
      },
      deleteFile: async (id) => {
        deleted.push(id)
      },
    },
    key: { get: () => key, set: (next) => (key = next) },
    send: async (file, onShare) => {
      onShare(1)
      left.push(file.name)
      if (file.name.startsWith('large')) return { name: file.name, fileId: `file-${file.name}` }
      return { name: file.name, base64: 'QUJD', mediaType: file.type }
    },
    now: () => 0,
    pause: () => new Promise((resolve) => pauses.push(resolve)),
    beforePaint: (callback) => queueMicrotask(callback),
  })
  return { playground, questions, deleted, pauses, accept: () => (error = null), key: () => key }
}

const file = (name: string): File => new File(['ABC'], name, { type: 'application/pdf' })
const settle = () => new Promise((resolve) => setImmediate(resolve))
const phases = (playground: Playground): string[] => playground.state().documents.map(({ reading }) => reading.phase)

describe('the playground', () => {
  it('reads one document after another, and shows the first', async () => {
    const { playground, questions } = setUp([[text(1), 'hang'], [text(1)]])
    playground.open([file('a.pdf'), file('b.pdf')])
    await settle()
    assert.deepEqual([phases(playground), playground.state().current], [['reading', 'waiting'], 1])
    playground.cancel(1)
    await settle()
    assert.deepEqual(phases(playground), ['stopped', 'done'])
    assert.deepEqual(
      questions.map(({ document }) => document.name),
      ['a.pdf', 'b.pdf'],
    )
    assert.equal(playground.state().documents[0]?.reading.pages[0]?.text, 'text 1', 'what was read stays')
  })

  it('asks for pictures and figures, and for what is set', async () => {
    const { playground, questions } = setUp([[], []])
    playground.setOptions({ task: 'table' })
    playground.setModel('some-ocr')
    playground.open([file('a.pdf')])
    await settle()
    playground.setOptions({ dry_run: true, figures: 'drop' })
    playground.readAgain(1)
    await settle()
    assert.deepEqual(
      questions.map(({ model, ocr }) => [model, ocr]),
      [
        ['some-ocr', { figures: 'reference', task: 'table', preview: true }],
        ['some-ocr', { figures: 'drop', dry_run: true, cache: 'refresh' }],
      ],
    )
  })

  it('goes on by itself once when the connection breaks, and then when it is told to', async () => {
    const { playground, pauses, questions } = setUp([[text(1), lost], [lost], [text(1), text(2)]])
    playground.open([file('a.pdf')])
    await settle()
    assert.deepEqual([phases(playground), pauses.length], [['lost'], 1])
    pauses[0]?.()
    await settle()
    assert.deepEqual([phases(playground), pauses.length, questions.length], [['lost'], 1, 2])
    assert.equal(playground.state().documents[0]?.reading.pages.length, 1)
    playground.goOn(1)
    await settle()
    assert.deepEqual(phases(playground), ['done'])
    assert.equal(questions[2]?.ocr['cache'], undefined, 'what is known comes from the cache')
  })

  it('does not read everything again after a connection broke while it did', async () => {
    const { playground, pauses, questions } = setUp([[text(1)], [text(1), lost], [text(1)]])
    playground.open([file('a.pdf')])
    await settle()
    playground.readAgain(1)
    await settle()
    pauses[0]?.()
    await settle()
    assert.deepEqual(
      questions.map(({ ocr }) => ocr['cache']),
      [undefined, 'refresh', undefined],
    )
  })

  it('does not go on by itself with what was closed or cancelled meanwhile', async () => {
    const { playground, pauses, questions } = setUp([
      [text(1), lost],
      [text(1), lost],
    ])
    playground.open([file('a.pdf')])
    await settle()
    playground.cancel(1)
    pauses[0]?.()
    playground.open([file('b.pdf')])
    await settle()
    playground.close(2)
    pauses[1]?.()
    await settle()
    assert.deepEqual([phases(playground), questions.length], [['stopped'], 2])
  })

  it('says why a document is refused, and reads the next one', async () => {
    const { playground } = setUp([[refused(413, 'document_too_large')], [text(1)]])
    playground.open([file('a.pdf'), file('b.pdf')])
    await settle()
    assert.deepEqual(phases(playground), ['refused', 'done'])
    assert.equal(playground.state().documents[0]?.reading.problem?.message, 'document_too_large it is')
  })

  it('opens a locked document with a password, and keeps that to itself', async () => {
    const { playground, questions } = setUp([[refused(400, 'document_encrypted')], [text(1)]])
    playground.open([file('a.pdf')])
    await settle()
    playground.unlock(1, 'secret')
    await settle()
    assert.deepEqual([phases(playground), questions[1]?.ocr['password']], [['done'], 'secret'])
    assert.equal(JSON.stringify(playground.state()).includes('secret'), false)
  })

  it('waits for a key where one is wanted, and goes on with it', async () => {
    const { playground, accept, key } = setUp([[refused(401, 'invalid_api_key')], [text(1)]])
    playground.open([file('a.pdf'), file('b.pdf')])
    await settle()
    assert.deepEqual(phases(playground), ['waiting', 'waiting'])
    assert.equal(playground.state().keyProblem?.message, 'invalid_api_key it is')
    accept()
    playground.setKey('sk-1')
    await settle()
    assert.deepEqual([phases(playground), key()], [['done', 'done'], 'sk-1'])
    assert.equal(playground.state().keyProblem, null)
  })

  it('says that a key is wrong', async () => {
    const { playground } = setUp([], { modelsError: refused(401, 'invalid_api_key') })
    await playground.connect()
    playground.setKey('wrong')
    await settle()
    assert.deepEqual([playground.state().hasKey, playground.state().keyProblem?.code], [true, 'invalid_api_key'])
  })

  it('says what is wrong with a gateway that has no models to name', async () => {
    const { playground, accept } = setUp([], {
      modelsError: refused(503, 'engine_unavailable'),
      models: ['one', 'two'],
    })
    await playground.connect()
    assert.equal(playground.state().problem?.code, 'engine_unavailable')
    accept()
    await playground.connect()
    assert.deepEqual([playground.state().problem, playground.state().model], [null, 'one'])
  })

  it('deletes what it uploaded, however the reading ends', async () => {
    const { playground, deleted } = setUp([[text(1)], [refused(400, 'document_damaged')], ['hang']])
    playground.open([file('large-a.pdf'), file('large-b.pdf'), file('large-c.pdf')])
    await settle()
    playground.close(3)
    await settle()
    assert.deepEqual(deleted, ['file-large-a.pdf', 'file-large-b.pdf', 'file-large-c.pdf'])
  })

  it('tells its listeners once for many events', async () => {
    const { playground } = setUp([Array.from({ length: 500 }, (_, index) => text(index + 1))])
    let times = 0
    playground.subscribe(() => times++)
    playground.open([file('a.pdf')])
    await settle()
    assert.deepEqual(phases(playground), ['done'])
    assert.ok(times < 1000, `${times} times`)
  })
})

describe('the body of a request', () => {
  it('is JSON with the document in it, as it is', async () => {
    const document = { name: 'a "b" ü.pdf', base64: 'QUJD', mediaType: 'application/pdf' }
    const body: unknown = JSON.parse(await requestBody({ model: 'default', document, ocr: { pages: '1' } }).text())
    assert.deepEqual(body, {
      model: 'default',
      stream: true,
      messages: [
        {
          role: 'user',
          content: [{ type: 'file', file: { filename: 'a "b" ü.pdf', file_data: 'data:application/pdf;base64,QUJD' } }],
        },
      ],
      ocr: { pages: '1' },
    })
  })

  it('names a document that was uploaded', async () => {
    const body = await requestBody({ model: 'm', document: { name: 'a.pdf', fileId: 'file-1' }, ocr: {} }).text()
    assert.match(body, /"file":\{"file_id":"file-1"\}/)
  })
})
