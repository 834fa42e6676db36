import { plainText } from '../../gateway/ocr/markdown/plain-text.ts'
import { makePdf } from '../support/make-pdf.ts'
import type { KnownDocument } from './document.ts'
import { htmlTable } from './page-answers.ts'
import { readFact } from './score/facts.ts'
import { withBaseline } from './bench-folder.ts'

// Documents that are made here, each for one thing that goes wrong when pages are read alone: they need no corpus, and their
// text is known to the letter.

/** The family of these documents. */
const MADE = 'made'

interface MadePage {
  readonly header?: string
  /** What stands on the page, in the Markdown that a model writes of it. */
  readonly body: string
  readonly footer?: string
}

interface Made {
  readonly name: string
  readonly pages: readonly MadePage[]
  readonly facts: readonly object[]
}

/** Makes the documents. */
export function madeDocuments(): readonly KnownDocument[] {
  return [
    cutParagraphs(),
    cutTable('table-html', 'html', false),
    cutTable('table-head-again', 'html', true),
    cutTable('table-markdown', 'markdown', true),
    brokenTable(),
    runningLines(),
    goingList(),
    footnote(),
    nothingToJoin(),
    ...plainPages(),
  ].map(made)
}

function made({ name, pages, facts }: Made, index: number): KnownDocument {
  const answers = pages.map(({ header = '', body, footer = '' }) =>
    [header, body, footer].filter((part) => part !== '').join('\n\n'),
  )
  const pdf = `made/${name}.pdf`
  const bytes = makePdf(
    answers.map((answer, page) => ({ number: index * 16 + page, fontSize: 10, lines: wrapped(plainText(answer)) })),
  )
  const read = facts.map((fact, at) => readFact({ pdf, page: 0, id: `${name}-${at + 1}`, ...fact }))
  return {
    name: pdf,
    family: MADE,
    category: name,
    mediaType: 'application/pdf',
    language: 'en',
    pages: pages.length,
    read: () => bytes,
    facts: withBaseline(pdf, read, true),
    truths: [],
    answers,
  }
}

/** A line of the page holds so many characters of 10 points. */
const LINE_LENGTH = 90

function wrapped(text: string): readonly string[] {
  return text.split('\n').flatMap((paragraph) => {
    const lines = ['']
    for (const word of paragraph.split(' ')) {
      const line = lines.at(-1) ?? ''
      if (line !== '' && line.length + word.length >= LINE_LENGTH) lines.push(word)
      else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
    }
    return lines
  })
}

const about = (what: string, fact: object) => ({ ...fact, about: what })
const present = (text: string) => ({ type: 'present', text })
const absent = (text: string) => ({ type: 'absent', text })
const order = (before: string, after: string) => ({ type: 'order', before, after })

/** Paragraphs and words that go over the page; running lines with the page's number between them. */
function cutParagraphs(): Made {
  const lines = (page: number) => ({
    header: 'Annual Report of the Harbour Office',
    footer: `Harbour Office, page ${page} of 4`,
  })
  return {
    name: 'paragraphs',
    pages: [
      {
        ...lines(1),
        body: '# The inner basin\n\nThe inner basin was sounded twice during the year, in April by lead and in October by echo. Both soundings agree to within a hand, apart from the corner beside the sluice, where the mud has risen. The harbour master asks that the dredger be sent before the winter, because the ferry touched ground on',
      },
      {
        ...lines(2),
        body: 'three mornings in September when the wind stood in the east. No damage was found when the hull was inspected on the slip.\n\n## Lights and buoys\n\nThe green light at the end of the mole was out for two nights. A new lamp has been ordered, and the keeper has been given a spare one. Complaints about the red buoy were exami-',
      },
      {
        ...lines(3),
        body: 'ned and found to be wrong: the buoy is where the chart says. Fishermen from the north shore had used a chart of 1987, which shows the old position.\n\n## Dues\n\nDues of the year came to a little more than those of the year before. Most of them were paid by the two ferries, and the rest by yachts, which pay by length. A list of the vessels that still owe their dues has been handed to the',
      },
      {
        ...lines(4),
        body: 'clerk of the court, who will write to their owners before the end of the month.\n\nThe office thanks all pilots for a year without a collision.',
      },
    ],
    facts: [
      about('joins', present('because the ferry touched ground on three mornings in September')),
      about('joins', present('Complaints about the red buoy were examined and found to be wrong')),
      about('joins', present('has been handed to the clerk of the court, who will write to their owners')),
      about('joins', order('ferry touched ground on three mornings', 'Lights and buoys')),
      about('headers', { ...absent('Annual Report of the Harbour Office'), last_n: 1000 }),
      about('headers', absent('Harbour Office, page 2 of 4')),
      about('headers', absent('Harbour Office, page 3 of 4')),
      present('The green light at the end of the mole was out for two nights.'),
      order('The inner basin', 'Lights and buoys'),
    ],
  }
}

const HEAD = ['No.', 'Vessel', 'Home port', 'Length']
const VESSELS = ['Albatross', 'Bonaventure', 'Corrigan', 'Dauntless', 'Evangeline', 'Fortitude', 'Guillemot', 'Halcyon']
const PORTS = ['Port Ellery', 'Quay Street', 'Little Haven', 'Stoneyhithe']
const ROWS = VESSELS.flatMap((vessel, index) => [
  [`${2 * index + 1}`, vessel, PORTS[index % PORTS.length]!, `${11 + index}.4 m`],
  [`${2 * index + 2}`, `${vessel} II`, PORTS[(index + 1) % PORTS.length]!, `${8 + index}.9 m`],
])

function tableIn(
  format: 'html' | 'markdown',
  head: readonly string[] | null,
  rows: readonly (readonly string[])[],
): string {
  if (format === 'html') return htmlTable(head, rows)
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [...(head === null ? [] : [line(head), line(head.map(() => '---'))]), ...rows.map(line)].join('\n')
}

/** A table over three pages, its head on the first of them or on each. */
function cutTable(name: string, format: 'html' | 'markdown', isHeadAgain: boolean): Made {
  const part = (from: number, to: number) =>
    tableIn(format, from === 0 || isHeadAgain ? HEAD : null, ROWS.slice(from, to))
  return {
    name,
    pages: [
      {
        body: `# Vessels\n\nThe vessels that were in the harbour in the summer, in the order in which they came.\n\n${part(0, 6)}`,
      },
      { body: part(6, 12) },
      {
        body: `${part(12, 16)}\n\nVessels of the navy are not in the list, because they pay no dues and tell nobody when they come.`,
      },
    ],
    facts: [
      about('joins', { type: 'table', cell: 'Dauntless', up: 'Corrigan II', left: '7', top_heading: 'Vessel' }),
      about('joins', { type: 'table', cell: 'Corrigan II', up: 'Corrigan', down: 'Dauntless' }),
      about('joins', { type: 'table', cell: 'Guillemot', up: 'Fortitude II', top_heading: 'Vessel' }),
      about('tables', {
        type: 'table',
        cell: '18.4 m',
        left: 'Stoneyhithe',
        left_heading: '15',
        top_heading: 'Length',
      }),
      { type: 'table', cell: 'Albatross', left: '1', right: 'Port Ellery', top_heading: 'Vessel' },
      order('Bonaventure', 'Evangeline'),
    ],
  }
}

/** A table whose cells are not closed, and one that is never closed. */
function brokenTable(): Made {
  const open = ROWS.slice(0, 4).map((row) => `<tr>${row.map((cell) => `<td>${cell}`).join('')}`)
  const head = `<tr>${HEAD.map((cell) => `<th>${cell}`).join('')}`
  const closed = (cells: readonly string[]) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`
  return {
    name: 'table-broken',
    pages: [
      {
        body: `# Dues\n\nThe dues of the first quarter, by vessel.\n\n<table>${head}${open.join('')}</table>\n\nThe rest is not yet paid.`,
      },
      {
        body: `The dues of the second quarter, by vessel and by length.\n\n<table><tr><th>No.</th><th>Vessel</th><th>Home port</th><th>Length</th></tr>${ROWS.slice(8, 12).map(closed).join('')}`,
      },
    ],
    facts: [
      about('tables', { type: 'table', cell: 'Albatross', left: '1', right: 'Port Ellery', top_heading: 'Vessel' }),
      about('tables', { type: 'table', cell: 'Bonaventure II', up: 'Bonaventure', left_heading: '4' }),
      about('tables', { type: 'table', cell: 'Quay Street', up: 'Port Ellery', top_heading: 'Home port' }),
      about('tables', { type: 'table', cell: 'Evangeline', right: 'Port Ellery', top_heading: 'Vessel' }),
      present('The rest is not yet paid.'),
    ],
  }
}

const TOPICS = ['tides', 'pilots', 'anchors', 'ropes', 'weather', 'lamps']

/** Running lines that change from left pages to right ones, and a number alone at the foot. */
function runningLines(): Made {
  return {
    name: 'running-lines',
    pages: TOPICS.map((topic, index) => ({
      header: index % 2 === 0 ? 'HARBOUR HANDBOOK' : `Chapter ${1 + (index >> 1)}: Seamanship`,
      body: `## On ${topic}\n\nThis part of the book is about ${topic}, of which every pilot of the harbour must know what is written here. It was last looked through by the harbour master, and holds for all vessels above six metres.\n\nWhoever finds a mistake about ${topic} is asked to tell the office, which will correct it in the next edition.`,
      footer: `— ${index + 17} —`,
    })),
    facts: [
      about('headers', { ...absent('HARBOUR HANDBOOK'), last_n: 1200 }),
      about('headers', { ...absent('Chapter 3: Seamanship'), last_n: 700 }),
      about('headers', absent('— 19 —')),
      about('headers', absent('— 20 —')),
      ...TOPICS.map((topic) => present(`This part of the book is about ${topic}, of which every pilot`)),
      order('On tides', 'On lamps'),
    ],
  }
}

/** A list that goes on over the page, within one of its points. */
function goingList(): Made {
  return {
    name: 'list',
    pages: [
      {
        body: '# Before leaving\n\nWhoever leaves the harbour does these things first, in this order:\n\n1. The engine is warmed for five minutes, and its oil is looked at.\n2. The lamps are lit, one after the other.\n3. The office is told by radio where the vessel goes and when it is',
      },
      {
        body: 'expected back, and whoever is on board is named.\n4. The lines are let go, the one at the bow last.\n\nIn fog nobody leaves. The bell is rung once in a minute until it has gone.',
      },
    ],
    facts: [
      about('joins', present('where the vessel goes and when it is expected back, and whoever is on board')),
      order('The lamps are lit', 'The lines are let go'),
    ],
  }
}

/** A footnote stands at the foot of the page, and the paragraph goes on around it. */
function footnote(): Made {
  return {
    name: 'footnote',
    pages: [
      {
        body: '# Depths\n\nAll depths are given in metres below the datum of the chart[^1], and were measured at slack water. The depth at the sluice has changed most, because the gates were left open during the whole of the summer, and the river brought down more',
        footer: '[^1]: Chart 1987, corrected to the year before last.',
      },
      {
        body: 'sand than in the ten years before. It will have to be taken away by the dredger in the spring.\n\nThe depth beside the mole has not changed.',
      },
    ],
    facts: [
      present('Chart 1987, corrected to the year before last.'),
      present('sand than in the ten years before.'),
      order('All depths are given in metres', 'It will have to be taken away by the dredger'),
    ],
  }
}

/** Pages that end where a sentence does: nothing may be joined, and nothing lost. */
function nothingToJoin(): Made {
  return {
    name: 'nothing-to-join',
    pages: [
      {
        body: '# First letter\n\nDear Sir, the boat has come and is in good order. The sails were dry. I remain your servant, A. Penrose.',
      },
      {
        body: 'Dear Sir, I have had no answer to my first letter. The boat is still here, and the dues are owed from today. Yours, A. Penrose.',
      },
      { body: '| Day | Owed |\n|---|---|\n| Monday | 2.40 |\n| Tuesday | 4.80 |' },
      { body: '| Name | Paid |\n|---|---|\n| Penrose | 7.20 |\n| Trelawny | 0.00 |' },
    ],
    facts: [
      present('I remain your servant, A. Penrose.'),
      { type: 'table', cell: '7.20', up: 'Paid', top_heading: 'Paid', left_heading: 'Penrose' },
      { type: 'table', cell: '4.80', top_heading: 'Owed', left_heading: 'Tuesday' },
      order('The sails were dry', 'I have had no answer'),
    ],
  }
}

/** Pages of plain prose for the faults of models: one for each. */
function plainPages(): readonly Made[] {
  const subjects = ['bread', 'clocks', 'maps', 'wells', 'bridges']
  return [1, 2, 3].map((part) => ({
    name: `prose-${part}`,
    pages: subjects.map((subject, index) => ({
      body: `# Part ${part}, ${index + 1}: ${subject}\n\nThose who know much about ${subject} seldom write about them, and those who write know little. Part ${part} of this book was written by somebody who has made, mended or used ${subject} for ${part * 7 + index * 3} years, and it shows on every page.\n\nThe first chapter tells how ${subject} were thought of in former times; the second, what went wrong; and the third, what can be learnt of it today. There is an index at the end, which lists all names and all places.\n\nReaders in a hurry may begin with the tables, which give the cost of ${subject} in each year, and come back later. Nobody has yet regretted it, as far as number ${part * 100 + index} of our letters tells.`,
    })),
    facts: subjects.flatMap((subject, index) => [
      { page: index + 1, ...present(`used ${subject} for ${part * 7 + index * 3} years, and it shows on every page`) },
      {
        page: index + 1,
        ...order(`${subject} were thought of in former times`, `the cost of ${subject} in each year`),
      },
      { page: index + 1, ...baseline },
    ]),
  }))
}

const baseline = { type: 'baseline' }
