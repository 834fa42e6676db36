import { rename, rm, writeFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { signWith } from '../support/make-token.ts'
import type { SeededRandom } from '../support/seeded-random.ts'

/** Who asks. */
export interface SoakCaller {
  /** As the log and `/v1/usage` call it. */
  readonly name: string
  /** As metrics call it. */
  readonly label: string
  /** What it sends as its key. */
  credential(): Promise<string>
}

const SECRET = 'the-secret-that-signs-the-tokens-of-a-soak'
const keyOf = (name: string): string => `secret-of-${name}`
const holder = (name: string): SoakCaller => ({ name, label: name, credential: async () => keyOf(name) })
const seconds = (): number => Math.floor(Date.now() / 1000)

/** A caller with tokens, each of which is new. */
const bearer: SoakCaller = {
  name: 'jwt:soaker',
  label: 'jwt',
  credential: () =>
    signWith(SECRET, {
      sub: 'soaker',
      exp: seconds() + 300,
      ocr: { pages_per_minute: 3000, requests_per_minute: 600 },
    }),
}

/** Those who stay until they are answered, and so know each page that was read for them. */
export const patientCallers = [holder('alpha'), holder('beta'), holder('gamma'), holder('delta'), bearer]
/** Those who leave, who are in a hurry, and for whom things are read while they do not look. */
export const [leaver, hasty, night, later, admin] = ['leaver', 'hasty', 'night', 'later', 'admin'].map(holder) as [
  SoakCaller,
  SoakCaller,
  SoakCaller,
  SoakCaller,
  SoakCaller,
]

/** Tokens that must open nothing. */
export const wrongTokens: readonly (() => Promise<string>)[] = [
  async () => 'nobody',
  () => signWith(SECRET, { sub: 'soaker', exp: seconds() - 300 }),
  () => signWith(`${SECRET}!`, { sub: 'soaker', exp: seconds() + 300 }),
  () => signWith(SECRET, { sub: 'soaker' }),
  async () => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"soaker"}').toString('base64url')}.`, // prettier-ignore
]

/** Two keys without limits, the keys file, and the secret of tokens. */
export function accessSettings(folder: string): Record<string, string> {
  return {
    GATEWAY_API_KEYS: ['alpha', 'beta'].map((name) => `${name}:${keyOf(name)}`).join(),
    GATEWAY_KEYS_FILE: pathIn(folder),
    GATEWAY_JWT_SECRET: SECRET,
  }
}

const pathIn = (folder: string): string => join(folder, 'keys.json')
const digest = (name: string): string => createHash('sha256').update(keyOf(name)).digest('hex')

/** Writes the keys file, by renaming as Kubernetes and careful people do. */
export async function writeKeysFile(folder: string, pagesPerMinute = 150): Promise<void> {
  const keys = [
    { name: 'gamma', key: keyOf('gamma'), requests_per_minute: 300, pages_per_minute: 1500, pages_in_flight: 16 },
    { name: 'delta', sha256: digest('delta'), requests_per_minute: 60, pages_per_minute: pagesPerMinute, pages_in_flight: 3 }, // prettier-ignore
    { name: 'night', sha256: digest('night'), lanes: ['batch'] },
    { name: 'admin', sha256: digest('admin'), admin: true },
    ...['leaver', 'hasty', 'later'].map((name) => ({ name, key: keyOf(name) })),
  ]
  await writeFile(`${pathIn(folder)}.new`, JSON.stringify(keys))
  await rename(`${pathIn(folder)}.new`, pathIn(folder))
}

/** Changes the keys file, breaks it and takes it away, until the time is over; it is whole in the end. */
export async function meddleWithKeys(folder: string, random: SeededRandom, until: number): Promise<void> {
  while (performance.now() < until) {
    await delay(random.integer(3000, 12_000))
    const broken = random.pick<string | null>(['[{"name": "gamma"', '[]', '[{"name":"gamma","key":7}]', null])
    if (random.chance(0.5)) await writeKeysFile(folder, random.integer(100, 200))
    else if (broken === null) await rm(pathIn(folder))
    else await writeFile(pathIn(folder), broken)
    await delay(3000)
    await writeKeysFile(folder)
  }
}
