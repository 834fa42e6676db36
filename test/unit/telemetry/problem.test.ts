import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { describeProblem } from '../../../gateway/telemetry/problem.ts'

describe('what the log says of traces that are lost', () => {
  it('is why a collector has refused them, without its answer and without a stack', () => {
    const said = JSON.stringify({
      stack: 'OTLPExporterError: Unauthorized\n    at IncomingMessage (/app/node_modules/x.js:1:1)',
      message: 'Unauthorized',
      code: '401',
      name: 'OTLPExporterError',
      data: 'you sent: Bearer secret-of-the-collector',
    })
    const { message, reason } = describeProblem(said)
    assert.match(message, /OTEL_EXPORTER_OTLP_ENDPOINT does not take them/)
    assert.equal(reason, 'Unauthorized, 401')
  })

  it('is the code of an error that has no message, as when no address of a host answers', () => {
    const said = JSON.stringify({ stack: 'AggregateError', code: 'ECONNREFUSED', name: 'AggregateError' })
    assert.equal(describeProblem(said).reason, 'ECONNREFUSED, AggregateError')
  })

  it('is no word against a collector when too many spans ended at once', () => {
    const { message, reason } = describeProblem('Dropped 1444 spans because maxQueueSize reached')
    assert.match(message, /OTEL_BSP_MAX_QUEUE_SIZE/)
    assert.doesNotMatch(message, /ENDPOINT/)
    assert.match(reason, /^1444 /)
  })

  it('says neither of a setting that is not understood, nor of an answer that makes no sense', () => {
    const { message, reason } = describeProblem('OTEL_TRACES_SAMPLER value "often" invalid')
    assert.doesNotMatch(message, /lost/)
    assert.match(reason, /OTEL_TRACES_SAMPLER/)
    const garbage = describeProblem(`Export succeeded but could not deserialize response ${'\u0000\ufffd'.repeat(500)}`)
    assert.doesNotMatch(garbage.message, /lost/)
    assert.match(garbage.reason, /^[ -~]{1,200}$/)
  })
})
