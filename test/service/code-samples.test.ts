import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { codeSamples, type SampleRequest } from '../../gateway/web/app/samples/code-samples.ts'
import { runProgram, startClientDesk, type ClientDesk } from '../support/client-snippets.ts'

const hasPython = spawnSync('python3', ['-c', 'import openai']).status === 0
/** What a file may be called, and what a shell must not make of it. */
const NAME = `it's a "$(touch canary)" \`touch canary\` 100%s \\n scan.pdf`

const SEPARATOR = `\n\n'it''s "{page}"' %s $HOME \\ \n`

describe('the code that the playground writes', { timeout: 90_000 }, () => {
  let desk: ClientDesk
  before(async () => {
    desk = await startClientDesk()
    copyFileSync(join(desk.folder, 'scan.pdf'), join(desk.folder, NAME))
  })
  after(() => desk[Symbol.asyncDispose]())

  const requests: Readonly<Record<string, () => SampleRequest>> = {
    'one file': () => ({
      baseUrl: `${desk.gateway.url}/v1`,
      model: 'default',
      files: [{ name: 'scan.pdf', mediaType: 'application/pdf' }],
      ocr: {},
      hasKey: true,
    }),
    'several files, and options': () => ({
      baseUrl: `${desk.gateway.url}/v1`,
      model: 'lightonai/LightOnOCR-2-1B',
      files: [
        { name: NAME, mediaType: 'application/pdf' },
        { name: 'photo.png', mediaType: 'image/png' },
      ],
      ocr: {
        pages: '1-3',
        page_separator: SEPARATOR,
        confidence: false,
        password: 'never shown',
        preview: true,
        prepare: { deskew: true },
      },
      hasKey: true,
    }),
  }
  const env = { OPENAI_API_KEY: 'my-key', PDF_PASSWORD: 'open sesame' }
  const programs = {
    curl: { command: 'sh', file: 'sample.sh' },
    python: { command: 'python3', file: 'sample.py' },
    typescript: { command: process.execPath, file: 'sample.ts' },
  } as const

  for (const [what, request] of Object.entries(requests)) {
    for (const [language, { command, file }] of Object.entries(programs)) {
      const skip = language === 'python' && !hasPython ? 'python3 has no openai here; npm run test:clients has' : false
      it(`reads ${what} as ${language}`, { skip }, async () => {
        const code = codeSamples(request())[language as keyof typeof programs]
        writeFileSync(join(desk.folder, file), code)
        const { status, stdout, stderr } = await runProgram(command, [file], { cwd: desk.folder, env })
        assert.equal(status, 0, `${stderr}\n${stdout}\n${code}`)
        const text =
          language === 'curl'
            ? (JSON.parse(stdout) as { choices: { message: { content: string } }[] }).choices[0]!.message.content
            : stdout
        assert.match(text, /This is page 1\.[^]*This is page 2\./)
        if (what !== 'one file') {
          assert.ok(text.includes(SEPARATOR.replace('{page}', '2')), text)
          // Of the picture, behind the pages of the document.
          assert.match(text, /2\.[^]*This is page 1\./)
        }
        assert.ok(!existsSync(join(desk.folder, 'canary')))
      })
    }
  }

  it('holds neither a key nor a password, and asks for no pictures', () => {
    for (const code of Object.values(codeSamples(requests['several files, and options']!()))) {
      assert.doesNotMatch(code, /my-key|never shown|preview/)
      assert.match(code, /OPENAI_API_KEY/)
      assert.match(code, /PDF_PASSWORD/)
    }
  })

  it('asks for no key where none is needed, and has no options where none are set', () => {
    const samples = codeSamples({ ...requests['one file']!(), hasKey: false, ocr: {} })
    for (const code of Object.values(samples)) assert.doesNotMatch(code, /OPENAI_API_KEY|authorization|ocr"|ocr:/)
    assert.match(samples.python, /api_key="none"/)
    assert.match(samples.typescript, /apiKey: 'none'/)
  })

  it('has the types that the client wants', () => {
    const file = join(desk.folder, 'typed.ts')
    writeFileSync(file, codeSamples(requests['several files, and options']!()).typescript)
    const tsc = join(desk.folder, 'node_modules/.bin/tsc')
    const flags = '--noEmit --strict --module preserve --target es2024 --skipLibCheck --types node --ignoreConfig'
    assert.equal(execFileSync(tsc, [...flags.split(' '), file], { cwd: desk.folder, encoding: 'utf8' }), '')
  })

  it(
    'is Python, whatever the options hold',
    { skip: spawnSync('python3', ['-V']).status !== 0 && 'no python3' },
    () => {
      const fields = {
        type: 'object',
        properties: { '"quoted"': { const: null, default: [true, 1.5e-7] } },
        __proto__x: {},
      }
      const { python } = codeSamples({ ...requests['one file']!(), ocr: { fields } })
      execFileSync('python3', ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], { input: python })
      assert.match(python, /\{"const": None, "default": \[True, 1\.5e-7\]\}/)
    },
  )
})
