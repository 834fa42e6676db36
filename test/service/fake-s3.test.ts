import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { loadClient } from '../../gateway/files/s3-client.ts'
import { startFakeS3 } from '../fakes/fake-s3.ts'
import { converse, type Answers } from '../support/s3-conversation.ts'
import { useAwsKeys } from '../support/use-aws-keys.ts'

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/s3-recordings/versitygw.json'), 'utf8'),
) as Answers

it('the fake of S3 answers as a real storage has answered', { timeout: 60_000 }, async () => {
  await using fake = await startFakeS3()
  useAwsKeys(fake.credentials)
  const loaded = await loadClient({ name: fake.bucket, endpoint: fake.url })()
  assert.deepEqual(await converse(loaded, fake.bucket), recorded)
})
