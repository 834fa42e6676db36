import type { NewSample } from '../../gateway/samples/keeper.ts'

/** A page that was hard to read, with everything a test does not care about. `bytes`: of its image, which is none. */
export function makeNewSample(parts: Partial<NewSample['facts']> = {}, bytes = 100): NewSample {
  return {
    facts: {
      reasons: ['repaired'],
      status: 'repaired',
      model: 'some-ocr',
      root: 'maker/some-ocr',
      profile: 'lightonocr-2',
      profileVersion: 1,
      task: 'document',
      prompt: null,
      finishReason: 'stop',
      agreement: null,
      confidence: null,
      warnings: [],
      isTiled: false,
      attempts: [
        { image: 0, reason: 'loop', text: 'and and', sampling: {} },
        { image: 0, reason: null, text: '# Minutes', sampling: { temperature: 0.4 } },
      ],
      text: '# Minutes',
      textLayer: null,
      images: [{ mediaType: 'image/png', width: 10, height: 20, bytes }],
      ...parts,
    },
    images: [Buffer.alloc(bytes, 7)],
  }
}
