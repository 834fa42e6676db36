import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createSampleKeeper, type KeeperOptions, type SampleOutcome } from '../../../gateway/samples/keeper.ts'
import { decodeSample } from '../../../gateway/samples/sample-file.ts'
import { listSamples, newSampleId, readSampleFile, writeSampleFile } from '../../../gateway/samples/sample-folder.ts'
import { makeNewSample } from '../../support/make-sample-page.ts'
import { useFolder } from '../../support/use-folder.ts'
import { eventually } from '../../support/within.ts'

const { path: root } = useFolder()
let folders = 0

function made(options: Partial<KeeperOptions> = {}) {
  const folder = join(root, `samples-${folders++}`)
  const outcomes: SampleOutcome[] = []
  const errors: unknown[] = []
  const keeper = createSampleKeeper({
    folder,
    rate: 1,
    maxBytes: 1_000_000,
    key: null,
    onEnd(outcome, error) {
      outcomes.push(outcome)
      if (error !== undefined) errors.push(error)
    },
    ...options,
  })
  return { folder: options.folder ?? folder, keeper, outcomes, errors }
}

describe('the keeper of samples', () => {
  it('writes nothing before the first one, and then a file for its owner alone', async () => {
    const { folder, keeper, outcomes } = made()
    assert.deepEqual(await listSamples(folder), [])
    assert.throws(() => statSync(folder))
    keeper.offer(makeNewSample())
    await keeper.close()
    const [entry] = await listSamples(folder)
    assert.ok(entry !== undefined)
    const { facts } = decodeSample((await readSampleFile(folder, entry.id))!, null)
    assert.equal(facts.id, entry.id)
    assert.equal(facts.text, '# Minutes')
    const [name = ''] = readdirSync(folder)
    assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600)
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    assert.deepEqual(outcomes, ['kept'])
  })

  it('keeps the share that it is told to', async () => {
    const dice = [0.05, 0.1, 0.5, 0.09]
    const { folder, keeper } = made({ rate: 0.1, random: () => dice.shift() ?? 1 })
    for (let index = 0; index < 4; index++) keeper.offer(makeNewSample())
    await keeper.close()
    assert.equal((await listSamples(folder)).length, 2)
  })

  it('makes room: the oldest go first, those of an earlier process too', async () => {
    const { folder } = made()
    for (let index = 0; index < 3; index++) await writeSampleFile(folder, newSampleId(1000 + index), Buffer.alloc(4000))
    const { keeper } = made({ folder, maxBytes: 10_000 })
    keeper.offer(makeNewSample({}, 1000))
    await keeper.close()
    const entries = await listSamples(folder)
    assert.ok(entries.reduce((sum, { bytes }) => sum + bytes, 0) <= 10_000)
    assert.equal(entries.length, 3)
    assert.equal(entries[0]?.id.startsWith((1001).toString(36).padStart(9, '0')), true)
  })

  it('keeps none that is larger than all may be', async () => {
    const { folder, keeper, outcomes } = made({ maxBytes: 500 })
    keeper.offer(makeNewSample({}, 1000))
    await keeper.close()
    assert.deepEqual([outcomes, await listSamples(folder)], [['dropped'], []])
  })

  it('leaves a page whose images are larger than 32 MiB', async () => {
    const { keeper, outcomes } = made({ maxBytes: 1e9 })
    keeper.offer(makeNewSample({}, 32 * 1024 * 1024 + 1))
    await keeper.close()
    assert.deepEqual(outcomes, ['dropped'])
  })

  it('drops what comes while too many wait for the disk, at once', async () => {
    const { folder, keeper, outcomes } = made()
    for (let index = 0; index < 50; index++) keeper.offer(makeNewSample())
    assert.equal(outcomes.filter((outcome) => outcome === 'dropped').length, 18)
    await keeper.close()
    assert.equal((await listSamples(folder)).length, 32)
  })

  it('fails where the folder cannot be written, leaves nothing there, and goes on when it can', async () => {
    const folder = join(root, 'occupied')
    writeFileSync(folder, 'a file, and no folder')
    const { keeper, outcomes, errors } = made({ folder, now: () => 1_000_000 })
    keeper.offer(makeNewSample())
    await eventually(() => outcomes.length === 1, 2000, 'the first end')
    assert.deepEqual(outcomes, ['failed'])
    assert.match(String(errors[0]), /ENOTDIR|EEXIST/)
    assert.equal(await readFile(folder, 'utf8'), 'a file, and no folder')
    await rm(folder)
    keeper.offer(makeNewSample())
    await keeper.close()
    assert.equal(outcomes.at(-1), 'kept')
  })

  it('removes what a killed process has left, once it is old', async () => {
    const { folder, keeper } = made()
    await mkdir(folder)
    const [old, fresh] = [newSampleId(1), newSampleId(2)].map((id) => join(folder, `${id}.sample.tmp`))
    for (const path of [old!, fresh!]) writeFileSync(path, 'half')
    utimesSync(old!, new Date(0), new Date(0))
    keeper.offer(makeNewSample())
    await keeper.close()
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith('.tmp')),
      [fresh!.slice(folder.length + 1)],
    )
  })

  it('leaves no half sample when its process is killed while it writes', async () => {
    const { folder } = made()
    const script = `
      const { createSampleKeeper } = await import(${JSON.stringify(import.meta.resolve('../../../gateway/samples/keeper.ts'))})
      const { makeNewSample } = await import(${JSON.stringify(import.meta.resolve('../../support/make-sample-page.ts'))})
      const keeper = createSampleKeeper({ folder: ${JSON.stringify(folder)}, rate: 1, maxBytes: 1e9, key: null, onEnd() {} })
      setInterval(() => { for (let i = 0; i < 8; i++) keeper.offer(makeNewSample({}, 500_000)) }, 1)
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' })
    await eventually(async () => (await listSamples(folder)).length >= 5, 10_000, 'five samples')
    child.kill('SIGKILL')
    await once(child, 'exit')
    const entries = await listSamples(folder)
    assert.ok(entries.length >= 5)
    for (const { id } of entries) assert.equal(decodeSample((await readSampleFile(folder, id))!, null).facts.id, id)
  })
})

describe('the file of a sample', () => {
  it('is found by its id and by nothing that leads elsewhere', async () => {
    const { folder } = made()
    await writeSampleFile(folder, newSampleId(5), Buffer.from('x'))
    writeFileSync(join(root, 'secret.sample'), 'secret')
    for (const id of ['../secret', '..', '', 'secret', '/etc/passwd'])
      assert.equal(await readSampleFile(folder, id), null)
  })
})
