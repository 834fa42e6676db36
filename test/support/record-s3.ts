// Records what a real storage answers, for test/service/fake-s3.test.ts; AWS_ACCESS_KEY_ID and the like say who asks:
//
//   node test/support/record-s3.ts http://127.0.0.1:7070 bucket > test/fixtures/s3-recordings/versitygw.json
import { loadClient } from '../../gateway/files/s3-client.ts'
import { converse } from './s3-conversation.ts'

const [endpoint = '', name = ''] = process.argv.slice(2)
const answers = await converse(await loadClient({ name, endpoint })(), name)
process.stdout.write(`${JSON.stringify(answers, null, 2)}\n`)
