import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { loadConfig } from '../../../gateway/config/load.ts'
import { shownSettings } from '../../../gateway/config/shown.ts'
import { samplesProblems } from '../../../gateway/wiring/samples.ts'
import { useFolder } from '../../support/use-folder.ts'

const { path: folder } = useFolder()
const key = randomBytes(32).toString('base64')
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

function problems(environment: Readonly<Record<string, string>>): string[] {
  const { config, problems: found } = loadConfig(environment)
  return config === null ? [...found] : samplesProblems(config)
}

describe('the settings of samples', () => {
  const rows: readonly { name: string; environment: Readonly<Record<string, string>>; says: RegExp | null }[] = [
    { name: 'none', environment: {}, says: null },
    { name: 'a folder', environment: { GATEWAY_SAMPLES_DIR: folder }, says: null },
    { name: 'a key', environment: { GATEWAY_SAMPLES_DIR: folder, GATEWAY_SAMPLES_KEY: key }, says: null },
    {
      name: 'a file with the key',
      environment: { GATEWAY_SAMPLES_DIR: folder, GATEWAY_SAMPLES_KEY_FILE: file('good', `${key}\n`) },
      says: null,
    },
    { name: 'a key alone', environment: { GATEWAY_SAMPLES_KEY: key }, says: /without GATEWAY_SAMPLES_DIR/ },
    {
      name: 'two keys',
      environment: { GATEWAY_SAMPLES_DIR: folder, GATEWAY_SAMPLES_KEY: key, GATEWAY_SAMPLES_KEY_FILE: 'x' },
      says: /both set/,
    },
    {
      name: 'a key that is too short',
      environment: { GATEWAY_SAMPLES_DIR: folder, GATEWAY_SAMPLES_KEY: 'c2VjcmV0' },
      says: /GATEWAY_SAMPLES_KEY must be 32 bytes/,
    },
    {
      name: 'a file with something else',
      environment: { GATEWAY_SAMPLES_DIR: folder, GATEWAY_SAMPLES_KEY_FILE: file('bad', 'secret word') },
      says: /bad must hold 32 bytes in base64/,
    },
    {
      name: 'a file that is not there',
      environment: { GATEWAY_SAMPLES_DIR: folder, GATEWAY_SAMPLES_KEY_FILE: join(folder, 'none') },
      says: /none cannot be read: ENOENT/,
    },
    {
      name: 'a rate above 1',
      environment: { GATEWAY_SAMPLES_RATE: '1.5' },
      says: /GATEWAY_SAMPLES_RATE must be a share/,
    },
  ]
  for (const { name, environment, says } of rows)
    it(`are ${says === null ? 'taken' : 'refused'}, and no message holds the key: ${name}`, () => {
      const found = problems(environment).join('\n')
      if (says === null) assert.equal(found, '')
      else assert.match(found, says)
      for (const secret of [key, 'c2VjcmV0', 'secret word']) assert.equal(found.includes(secret), false)
    })

  it('are shown without the key', () => {
    const { config } = loadConfig({ GATEWAY_SAMPLES_DIR: folder, GATEWAY_SAMPLES_KEY: key })
    assert.ok(config !== null)
    assert.equal(JSON.stringify(shownSettings(config)).includes(key), false)
  })
})
