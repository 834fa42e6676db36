import { blocksFromDoctags } from '../clean/blocks-from-doctags.ts'
import { otslToHtml } from '../clean/otsl.ts'
import { stripFence } from '../clean/strip-fence.ts'
import { mixesPages } from '../known-problems.ts'
import { blocksInThousandths, picturesInThousandths } from '../marked-blocks.ts'
import { MIN_TYPE_SIZE } from '../min-type-size.ts'
import type { ModelProfile } from '../model-profile.ts'

// Sources: vlmparse/clients/granite_docling.py in https://github.com/ld-lab-pulsia/vlmparse at 6517b76 (the request to a server) and
// ocr/granite-docling-ocr.py in https://github.com/davanstrien/uv-scripts-for-ai at 39def5e (the instructions of the card of
// https://huggingface.co/ibm-granite/granite-docling-258M, the context). Apache-2.0.

const PAGE = 'Convert this page to docling.'

/** Granite-Docling: `ibm-granite/granite-docling-258M`, its revision `untied`. */
export const graniteDocling: ModelProfile = {
  id: 'granite-docling',
  version: 1,
  match: [/granite[-_ ]?docling/i],
  // Its processor shrinks the longest edge to 2048 and cuts the image into tiles of 512.
  pixelBudget: { longestEdge: 2048, maxPixels: 2048 ** 2, minEdge: 32, minTypeSize: MIN_TYPE_SIZE },
  imageMediaType: 'image/png',
  layout: { system: null, order: 'image-then-text' },
  tasks: {
    document: { text: PAGE },
    // The same question: the places of blocks are kept as marks.
    layout: { text: PAGE },
    table: { text: 'Convert table to OTSL.' },
    formula: { text: 'Convert formula to LaTeX.' },
    chart: { text: 'Convert chart to table.' },
    code: { text: 'Convert code to text.' },
  },
  freePrompt: false,
  sampling: { temperature: 0, top_p: 1 },
  // Its authors do not ask again.
  ladder: [{}, { temperature: 0.2 }, { temperature: 0.5 }],
  // Its tags are special tokens: without them an answer is empty.
  extraBody: { skip_special_tokens: false },
  defaultMaxModelLen: 8192,
  maxOutputTokens: 8000,
  // Sixteen tiles and a view of the whole, each of 64 tokens and a few for its place.
  imageTokens: () => 17 * 70,
  knownProblems: [mixesPages],
  clean(text, task) {
    const page = blocksFromDoctags(text, task)
    return stripFence(task === 'table' || task === 'chart' ? otslToHtml(page) : page, ['markdown', 'md'])
  },
  cleansTiles: true,
  findImages: picturesInThousandths,
  imageTasks: ['document', 'layout'],
  findBlocks: blocksInThousandths,
}
