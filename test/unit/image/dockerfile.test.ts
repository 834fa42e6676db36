import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { mkdtempDisposableSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { copyContext, copyInto, readCommand, readEnvironment, readStages } from '../../image/dockerfile.ts'

const project = join(import.meta.dirname, '../../..')

describe('a Dockerfile that is executed without Docker', () => {
  it('is read stage by stage, without comments, with continued lines joined', () => {
    const stages = readStages('# one\nFROM a@sha256:1 AS first\nRUN x \\\n  && y\n# two\nFROM b\nCMD ["c", "d"]\n')
    assert.deepEqual(stages, [
      { image: 'a@sha256:1', alias: 'first', instructions: [{ name: 'RUN', text: 'x && y' }] },
      { image: 'b', alias: null, instructions: [{ name: 'CMD', text: '["c", "d"]' }] },
    ])
    assert.deepEqual(readCommand('--interval=10s CMD ["node", "-e", "1"]'), ['node', '-e', '1'])
    assert.deepEqual(readEnvironment('A=1 B=x=y'), { A: '1', B: 'x=y' })
  })

  it('is given what .dockerignore lets through, and nothing else', () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'context-'))
    const [from, to] = [join(folder.path, 'from'), join(folder.path, 'to')]
    for (const path of ['gateway/web/app', 'gateway/web/built', 'test', '.git'])
      mkdirSync(join(from, path), { recursive: true })
    writeFileSync(join(from, 'gateway/main.ts'), '')
    writeFileSync(join(from, '.env'), 'SECRET=1')
    writeFileSync(join(from, '.dockerignore'), readFileSync(join(project, '.dockerignore')))
    copyContext(from, to)
    assert.deepEqual(readdirSync(to), ['gateway'])
    assert.deepEqual(readdirSync(join(to, 'gateway/web')), ['built'])
    writeFileSync(join(from, '.dockerignore'), 'test\n')
    assert.throws(() => copyContext(from, to), /\.dockerignore/)
  })

  it('copies files, folders and what another stage has', () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'copy-'))
    const [context, root] = [join(folder.path, 'context'), join(folder.path, 'root')]
    mkdirSync(join(context, 'gateway'), { recursive: true })
    mkdirSync(join(context, 'app/node_modules'), { recursive: true })
    for (const path of ['package.json', 'gateway/main.ts', 'app/node_modules/x']) writeFileSync(join(context, path), '')
    const sources = new Map([['', context], ['first', context]]) // prettier-ignore
    for (const text of ['package.json ./', 'gateway gateway', '--from=first /app/node_modules node_modules'])
      copyInto(root, '/app', text, sources)
    for (const path of ['package.json', 'gateway/main.ts', 'node_modules/x']) assert.ok(existsSync(join(root, 'app', path)), path) // prettier-ignore
    assert.throws(() => copyInto(root, '/app', '--from=second a b', sources), /a stage that there is not/)
  })

  it('has nothing that is not known there', () => {
    const known = ['WORKDIR', 'COPY', 'RUN', 'ENV', 'USER', 'VOLUME', 'CMD', 'HEALTHCHECK', 'EXPOSE']
    const stages = readStages(readFileSync(join(project, 'gateway/Dockerfile'), 'utf8'))
    assert.equal(stages.length, 2)
    for (const { name } of stages.flatMap(({ instructions }) => instructions)) assert.ok(known.includes(name), name)
  })
})
