import { stripFence } from '../clean/strip-fence.ts'
import { mixesPages } from '../known-problems.ts'
import { MIN_TYPE_SIZE } from '../min-type-size.ts'
import type { ModelProfile } from '../model-profile.ts'

const EDGE = 1540

const JSON_TASKS = new Set(['extract'])

/** Any other vision-language model: plain prompts of our own, which a client's own text may replace. */
export const generic: ModelProfile = {
  id: 'generic',
  version: 1,
  match: [],
  // 132 dots per inch on A4: at most about 2,100 tokens in common vision towers. An 8k context has room for them.
  // The strictest of the common processors (Qwen2-VL's: sides of 28 or 32 pixels at least, a ratio below 200).
  pixelBudget: { longestEdge: EDGE, maxPixels: EDGE ** 2, minEdge: 32, maxRatio: 200, minTypeSize: MIN_TYPE_SIZE },
  imageMediaType: 'image/png',
  layout: { system: null, order: 'image-then-text' },
  tasks: {
    document: {
      text: 'Transcribe this page to Markdown in natural reading order. Keep the wording, the spelling and the language exactly as they are; leave nothing out and add nothing. Use Markdown headings and lists, HTML for tables, and LaTeX between $ or $$ for formulas. Answer with the transcription alone; if the page is empty, answer with nothing.',
    },
    text: {
      text: 'Transcribe all text of this image in natural reading order, exactly as it is, as plain text. Answer with the transcription alone.',
    },
    table: { text: 'Transcribe the tables of this image to HTML. Answer with the HTML alone.' },
    formula: { text: 'Transcribe the formulas of this image to LaTeX. Answer with the LaTeX alone.' },
    chart: {
      text: 'Write the data of the charts of this image as Markdown tables, and flowcharts as Mermaid. Answer with these alone.',
    },
    extract: {
      text: null,
      json: true,
      textForFields: (fields, shape = '') =>
        `Read these fields from the image and answer with one JSON object that has exactly these keys, and null where the image does not show a value: ${JSON.stringify(fields)}. ${shape === '' ? '' : `${shape} `}Copy values as they are written.`,
    },
    translate: {
      text: 'Translate all text of this page into English, in natural reading order, as Markdown. Use HTML for tables and LaTeX for formulas. Answer with the translation alone.',
    },
  },
  isGeneral: true,
  freePrompt: true,
  // Greedy decoding is what makes small vision-language models loop: olmOCR and LightOnOCR both start at 0.1.
  sampling: { temperature: 0.1, top_p: 1 },
  // A higher temperature and a slightly lower top_p, after Chandra's retries (0.3 and 0.95:
  // https://github.com/datalab-to/chandra).
  ladder: [{}, { temperature: 0.3, top_p: 0.95 }, { temperature: 0.7, top_p: 0.95 }],
  // Empty: some chat templates and tokenizers refuse extra fields.
  extraBody: {},
  defaultMaxModelLen: 8192,
  maxOutputTokens: 8192,
  knownProblems: [mixesPages],
  // As in the densest of the common vision towers (Qwen2-VL, Pixtral), one token per 28-pixel square: rather too many.
  imageTokens: ({ width, height }) => Math.ceil(width / 28) * Math.ceil(height / 28),
  clean: (text, task) => stripFence(text, JSON_TASKS.has(task) ? ['json'] : ['markdown', 'md']),
}
