import type { DryRunObject } from '../wire/openai/ocr-object.ts'
import type { Input } from './input.ts'
import { counted, duration, printable } from './say.ts'
import type { Sink } from './sink.ts'

/** What a dry run over several documents found. */
export interface Costs {
  readonly sink: Sink
  /** The sum of all, in one line. */
  total(known: number): string
}

const ZERO = {
  documents: 0,
  pages: 0,
  toRead: 0,
  cached: 0,
  blank: 0,
  prompt: 0,
  completion: 0,
  seconds: 0,
  unknown: 0,
}

/** Creates what writes a line for each document, and adds up. */
export function createCosts(asJson: boolean): Costs {
  const sum = { ...ZERO }
  const add = ({ pages, pages_to_read, cached_pages, blank_pages, expected }: DryRunObject): void => {
    sum.documents += 1
    sum.pages += pages
    sum.toRead += pages_to_read
    sum.cached += cached_pages
    sum.blank += blank_pages.length
    sum.prompt += expected.prompt_tokens
    sum.completion += expected.completion_tokens
    if (expected.seconds === null) sum.unknown += 1
    else sum.seconds += expected.seconds
  }
  return {
    sink: {
      turn: (input) => ({
        text() {},
        again() {},
        async write({ ocr: { dry_run: found } }) {
          if (found === undefined) return null
          add(found)
          process.stdout.write(`${asJson ? JSON.stringify({ path: input.name, ...found }) : line(input, found)}\n`)
          return null
        },
        end() {},
      }),
    },
    total: (known) => totalLine(sum, known),
  }
}

function line({ name }: Input, found: DryRunObject): string {
  return `${printable(name)}: ${costs({
    pages: found.pages,
    toRead: found.pages_to_read,
    cached: found.cached_pages,
    blank: found.blank_pages.length,
    prompt: found.expected.prompt_tokens,
    completion: found.expected.completion_tokens,
    seconds: found.expected.seconds,
  })}`
}

interface Cost {
  readonly pages: number
  readonly toRead: number
  readonly cached: number
  readonly blank: number
  readonly prompt: number
  readonly completion: number
  readonly seconds: number | null
}

function costs({ pages, toRead, cached, blank, prompt, completion, seconds }: Cost): string {
  const tokens = `${prompt.toLocaleString('en')} prompt and ${completion.toLocaleString('en')} completion tokens`
  return [
    counted(pages, 'page'),
    `${toRead.toLocaleString('en')} to read`,
    ...(cached > 0 ? [`${cached.toLocaleString('en')} known already`] : []),
    ...(blank > 0 ? [`${blank.toLocaleString('en')} blank`] : []),
    `about ${tokens}`,
    ...(seconds === null ? [] : [`about ${duration(seconds)}`]),
  ].join(', ')
}

function totalLine(sum: typeof ZERO, known: number): string {
  const done = known > 0 ? `. ${counted(known, 'document')} more ${known === 1 ? 'is' : 'are'} done already` : ''
  const seconds = sum.unknown > 0 ? null : sum.seconds
  const unknown = sum.unknown > 0 ? '. How long it takes is not known: the model has read no such page yet' : ''
  return `${counted(sum.documents, 'document')}: ${costs({ ...sum, seconds })}${unknown}${done}`
}
