import type { Input } from './input.ts'
import { localized } from './figures.ts'
import type { OutFolder, Written } from './out-folder.ts'
import { figurePlace, outputPlace } from './out-folder.ts'
import type { Reading } from './read-document.ts'
import { printable } from './say.ts'

/** Where what was read goes. */
export interface Sink {
  /** Takes a place in the order of the documents. */
  turn(input: Input): SinkTurn
}

/** A document's place in what is written. */
export interface SinkTurn {
  /** Takes text as it comes, where that can be shown at once. Forgets it with `again`. */
  text(text: string): void
  again(): void
  /** Returns where it was written to; null: standard output. */
  write(reading: Reading): Promise<Written | null>
  /** There is nothing to write, or it is written: the next one may be. */
  end(): void
}

/** In which form documents are written. */
export interface Form {
  readonly ending: string
  /** The content is a JSON object with offsets of its own. */
  readonly isObject: boolean
  write(input: Input, reading: Reading): string
}

/** Returns the form that is asked for: the text itself, or one JSON object with the text and the ledger. */
export function formOf(output: 'markdown' | 'text' | 'json', withLedger: boolean): Form {
  const isObject = output === 'json'
  if (withLedger)
    return {
      ending: '.json',
      isObject,
      write: (input, reading) => `${JSON.stringify(record(input, reading, output))}\n`,
    }
  const ending = { markdown: '.md', text: '.txt', json: '.json' }[output]
  return {
    ending,
    isObject,
    write: (_, { content }) => (content === '' || content.endsWith('\n') ? content : `${content}\n`),
  }
}

function record({ name }: Input, { content, model, ocr, usage }: Reading, output: string) {
  return { path: name, model, content: output === 'json' ? parsed(content) : content, ocr, usage }
}

function parsed(content: string): unknown {
  try {
    return JSON.parse(content)
  } catch {
    return content
  }
}

/** Writes each document into a folder, its pictures beside its text. */
export function folderSink(folder: OutFolder, form: Form, figuresAreAsked: boolean): Sink {
  return {
    turn: (input) => ({
      text() {},
      again() {},
      async write(reading) {
        const output = outputPlace(input.place, form.ending)
        const place = figurePlace(input.place, form.ending)
        const { reading: local, figures } = localized(reading, place, figuresAreAsked, form.isObject)
        await folder.write(output, form.write(input, local), figures)
        return { output, figures: figures.files.map(({ name }) => `${figures.place}/${name}`) }
      },
      end() {},
    }),
  }
}

/** Who is told while documents are printed. */
export interface PrintListener {
  /** A line that says which document follows. */
  heading(text: string): void
  /** What is printed goes nowhere any more: its reader has left, or the disk is full. */
  gone(error: Error): void
}

/** Writes each document to standard output, in their order; the only one as it comes. */
export function stdoutSink(form: Form, isOne: boolean, listener: PrintListener): Sink {
  const print = (text: string): Promise<void> => printTo(process.stdout, text, (error) => listener.gone(error))
  let last: Promise<void> = Promise.resolve()
  let count = 0
  return {
    turn(input) {
      const before = last
      const written = Promise.withResolvers<void>()
      // One that has nothing to write is over before those in front of it.
      last = before.then(() => written.promise)
      const streamed = isOne && form.ending !== '.json' ? createStreamed(print) : null
      return {
        text: (text) => streamed?.text(text),
        again: () => streamed?.again(),
        async write(reading) {
          await before
          count += 1
          if (!isOne) listener.heading(`==> ${printable(input.name)} <==`)
          const text = form.write(input, reading)
          await print(streamed === null ? separated(text, count, form) : streamed.rest(text))
          return null
        },
        end: () => written.resolve(),
      }
    },
  }
}

/** Documents are kept apart by a line; JSON has one to itself already. */
function separated(text: string, count: number, { ending }: Form): string {
  return count > 1 && ending !== '.json' ? `\n${text}` : text
}

/** What was printed cannot be taken back: when a document is asked for again, what is printed already is left out. */
function createStreamed(print: (text: string) => Promise<void>) {
  let printed = ''
  let current = ''
  return {
    text(text: string): void {
      current += text
      if (current.length <= printed.length || !current.startsWith(printed)) return
      void print(current.slice(printed.length))
      printed = current
    },
    again: () => void (current = ''),
    rest: (text: string): string => {
      if (text.startsWith(printed)) return text.slice(printed.length)
      // Other words than the first time: the whole of it is better than a mixture.
      return `\n\n${text}`
    },
  }
}

/** Waits while whoever reads is slow. */
function printTo(stream: NodeJS.WriteStream, text: string, onGone: (error: Error) => void): Promise<void> {
  if (text === '') return Promise.resolve()
  return new Promise((resolve) => {
    stream.write(text, (error) => {
      if (error != null) onGone(error)
      resolve()
    })
  })
}
