import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pageRequest } from '../../../../gateway/engine/vllm/page-request.ts'
import { promptOf } from '../../../support/page-prompt.ts'

interface Detection {
  readonly min_pattern_size: number
  readonly max_pattern_size: number
  readonly min_count: number
}

async function detectionOf(number: number): Promise<Detection | undefined> {
  const prompt = await promptOf({ attempt: { number, sampling: {}, tried: new Set() } })
  const { body } = pageRequest(prompt)
  assert.ok(body instanceof Uint8Array)
  const { repetition_detection: detection } = JSON.parse(Buffer.from(body).toString()) as {
    repetition_detection?: Detection
  }
  return detection
}

/** As vLLM does it: `check_sequence_repetition` in vllm/v1/core/sched/utils.py. */
function firesAt(tokenAt: (index: number) => number, tokens: number, detection: Detection): number | null {
  const { min_pattern_size: min, max_pattern_size: max, min_count: count } = detection
  // Periodic from its beginning, a text fires when it first holds so many copies of a pattern.
  for (let size = min; size <= max && size * count <= tokens; size++) {
    let isPattern = true
    for (let at = 0; at < size * (count - 1) && isPattern; at++) isPattern = tokenAt(at) === tokenAt(at + size)
    if (isPattern) return size * count
  }
  return null
}

describe('the repetition detection of a retry', () => {
  it('is not asked for at first', async () => assert.equal(await detectionOf(1), undefined))

  it('ends loops of any length up to 256 tokens, before half of the tokens of a page are spent', async () => {
    const detection = await detectionOf(2)
    assert.ok(detection)
    for (let period = 1; period <= 256; period++) {
      const end = firesAt((index) => index % period, 12_288, detection)
      assert.ok(end !== null && end <= 6400, `${period} tokens: ${end}`)
    }
  })

  it('leaves sixty equal rows of an empty table alone', async () => {
    const detection = await detectionOf(2)
    assert.ok(detection)
    // `<tr>`, twelve times `<td></td>`, `</tr>` and a line end: 52 tokens.
    assert.equal(
      firesAt((index) => index % 52, 60 * 52, detection),
      null,
    )
  })
})
