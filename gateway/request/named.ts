import type { SourceFacts } from '../document/source.ts'
import { GatewayError } from '../errors.ts'
import type { NamedDocuments } from './context.ts'

/** Of a gateway that has no stored files, and fetches nothing. */
export const nothingNamed: NamedDocuments = {
  stored: async (id, { param }: SourceFacts) => {
    const message = `There is no file ${JSON.stringify(id.slice(0, 100))}. Send the document itself, as a base64 data URL in "file_data".`
    throw new GatewayError('file_not_found', message, { param })
  },
  at: async (_, { param }: SourceFacts) => {
    throw new GatewayError(
      'url_not_allowed',
      'This gateway fetches no addresses (GATEWAY_ALLOW_URLS is not set), and this one is not signed by it. Send the document itself, as a base64 data URL, or upload it to /v1/files.',
      { param },
    )
  },
}
