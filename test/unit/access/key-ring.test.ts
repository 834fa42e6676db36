import assert from 'node:assert/strict'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { createKeyRing, readKeysFile } from '../../../gateway/access/key-ring.ts'
import { digestOf, plainKeys, readKeysInSlices } from '../../../gateway/access/keys-file.ts'
import { useFolder } from '../../support/use-folder.ts'
import { eventually } from '../../support/within.ts'

const folder = useFolder()
const WAIT = 10_000
const keysOf = (...names: string[]): string => JSON.stringify(names.map((name) => ({ name, key: `key-of-${name}` })))
const many = (count: number): string =>
  JSON.stringify(
    Array.from({ length: count }, (_, at) => ({ name: `k${at}`, sha256: digestOf(`key-${at}`).toString('hex') })),
  )

/** Starts a ring that looks often, and closes it with its test. */
function start(path: string, context: TestContext) {
  const told: string[] = []
  const ring = createKeyRing({
    fixed: plainKeys([{ name: 'fixed', key: 'key-of-fixed' }]),
    path,
    everyMs: 10,
    onRead: (count) => told.push(`read ${count}`),
    onBroken: (problems) => told.push(problems.join()),
  })
  context.after(() => ring.close())
  return { ring, told }
}

describe('the keys of a file', () => {
  it('are taken when Kubernetes swaps the folder that the file is linked into', async (context) => {
    const mount = join(folder.path, 'mount')
    for (const [version, text] of [
      ['..1', keysOf('a')],
      ['..2', keysOf('b', 'c')],
    ] as const) {
      await mkdir(join(mount, version), { recursive: true })
      await writeFile(join(mount, version, 'keys.json'), text)
    }
    await symlink('..1', join(mount, '..data'))
    await symlink('..data/keys.json', join(mount, 'keys.json'))
    const { ring, told } = start(join(mount, 'keys.json'), context)
    assert.equal(ring.find('key-of-a')?.name, 'a')
    await symlink('..2', join(mount, '..tmp'))
    await rename(join(mount, '..tmp'), join(mount, '..data'))
    await rm(join(mount, '..1'), { recursive: true })
    await eventually(() => ring.find('key-of-b') !== null, WAIT, 'the new key')
    assert.equal(ring.find('key-of-a'), null)
    assert.equal(ring.named('a'), null)
    assert.equal(ring.find('key-of-fixed')?.name, 'fixed')
    assert.deepEqual(told, ['read 2'])
  })

  it('stay while the file is half written, too large or gone, each told once', async (context) => {
    const path = join(folder.path, 'stays.json')
    await writeFile(path, keysOf('a'))
    const { ring, told } = start(path, context)
    const broken: [change: () => Promise<unknown>, problem: RegExp][] = [
      [() => writeFile(path, keysOf('a', 'b').slice(0, -5)), /not valid JSON/],
      [() => rm(path), /cannot be read: ENOENT/],
      [() => mkdir(path), /cannot be read: EISDIR/],
      [
        async () => {
          // Seen while it is written, it has another size, and would be told once more.
          await writeFile(`${path}.whole`, Buffer.alloc(17 * 2 ** 20, ' '))
          await rm(path, { recursive: true })
          await rename(`${path}.whole`, path)
        },
        /cannot be read: .* bytes/,
      ],
    ]
    for (const [change, problem] of broken) {
      told.length = 0
      await change()
      await eventually(() => told.some((text) => problem.test(text)), WAIT, String(problem))
      assert.equal(ring.find('key-of-a')?.name, 'a')
    }
    const before = told.length
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.equal(told.length, before, 'nothing is told twice')
    assert.match(readKeysFile(path, []).problems.join(), /cannot be read: .* bytes/)
    await writeFile(path, keysOf('a', 'b'))
    await eventually(() => ring.find('key-of-b') !== null, WAIT, 'the mended file')
  })

  it('are found as fast among very many, which are read with the turns of others between', async (context) => {
    const path = join(folder.path, 'many.json')
    const text = many(20_000)
    await writeFile(path, text)
    const { ring } = start(path, context)
    const { user, system } = process.threadCpuUsage()
    for (let at = 0; at < 2000; at += 1) assert.equal(ring.find(`key-${at}`)?.name, `k${at}`)
    const spent = process.threadCpuUsage({ user, system })
    assert.ok(spent.user + spent.system < 500_000, `${spent.user + spent.system} microseconds for 2000`)
    let turns = 0
    let isOver = false
    const count = (): void => {
      turns += 1
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    const read = await readKeysInSlices(text, [])
    isOver = true
    assert.equal(read.keys?.length, 20_000)
    assert.ok(turns >= 20, `${turns} turns`)
  })

  it('have their problems told, though not ten thousand of them', async () => {
    const text = JSON.stringify(Array.from({ length: 10_000 }, () => ({ name: 'a' })))
    const { problems } = await readKeysInSlices(text, [])
    assert.equal(problems.length, 21)
    assert.equal(problems.at(-1), 'and 9980 more')
  })
})
