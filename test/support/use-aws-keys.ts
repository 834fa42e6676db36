import type { Credentials } from '../fakes/fake-s3-signature.ts'

/** Sets the keys that the AWS SDK finds in the environment, for clients that are made from now on in this process. */
export function useAwsKeys({ accessKeyId, secretAccessKey }: Credentials): void {
  process.env['AWS_ACCESS_KEY_ID'] = accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = secretAccessKey
  process.env['AWS_REGION'] = 'eu-test-1'
}
