import { GatewayError } from '../errors.ts'

/** No upstream that serves the model has been there for so long that waiting any longer is in vain. */
export class EngineOutage extends GatewayError {
  constructor(modelId: string) {
    super(
      'engine_unavailable',
      `No OCR engine serves the model \`${modelId}\` now. See the gateway's /ready, or try again later.`,
      { kind: 'outage' },
    )
  }
}
