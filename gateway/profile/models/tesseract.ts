import type { ModelProfile } from '../model-profile.ts'

/**
 * The embedded engine's profile. It is chosen for the model that the gateway itself adds, never matched against an
 * upstream's models. Prompts, sampling and lengths are there because the type requires them; Tesseract uses none.
 */
export const tesseract: ModelProfile = {
  id: 'tesseract',
  // 2: words over line ends have lost their hyphens, and answers say where their parts stand: what was stored before is not found.
  version: 2,
  match: [],
  // 210 dpi on letter paper. Word recall on 33 documents (test/bench/recall.ts) falls below and above: 90.2 % at a
  // fixed 200 dpi, which starves small pages; 92.7 % at a longest edge of 2300; 90.3 % at 2800, which blurs scans.
  // Measured on English prose in Liberation Sans: of words with an x of 4 pixels it reads none, of 5 62.6 %, of 6 92.3 %,
  // of 7 98.6 %. It needs no least edge; a margin does it good.
  pixelBudget: { longestEdge: 2300, maxPixels: 2300 ** 2, minEdge: 32, minTypeSize: 6 },
  imageMediaType: 'image/png',
  layout: { system: null, order: 'image-only' },
  tasks: { document: { text: null }, text: { text: null } },
  freePrompt: false,
  sampling: { temperature: 0, top_p: 1 },
  ladder: [{}],
  extraBody: {},
  defaultMaxModelLen: 0,
  maxOutputTokens: 0,
  imageTokens: () => 0,
  clean: (text) => text.trim(),
}
