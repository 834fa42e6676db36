import type { SourceFacts } from '../document/source.ts'
import { GatewayError } from '../errors.ts'

/** Refuses an address, of whatever scheme, in a gateway that fetches none: throws `url_not_allowed`. */
export async function refuseDownload(_: string, { param }: SourceFacts): Promise<never> {
  throw new GatewayError(
    'url_not_allowed',
    'This gateway fetches no addresses (GATEWAY_ALLOW_URLS is not set), and this one is not signed by it. Send the document itself, as a base64 data URL, or upload it to /v1/files.',
    { param },
  )
}
