import { Zip, ZipDeflate, ZipPassThrough } from 'fflate'
import type { OcrObject } from '../../../wire/openai/ocr-object.ts'
import { stemOf, uniqueFileName } from './file-names.ts'

/** A document that was read. */
export interface ReadResult {
  /** What the document is called: `scan.pdf`. */
  readonly name: string
  readonly markdown: string
  readonly ocr: OcrObject
}

/** The Markdown; figures stay references. */
export function asMarkdown({ markdown }: ReadResult): Blob {
  return new Blob([markdown], { type: 'text/markdown;charset=utf-8' })
}

/** The Markdown, and all that is known of how it came to be. */
export function asJson({ name, markdown, ocr }: ReadResult): Blob {
  return new Blob([jsonOf({ name, markdown, ocr })], { type: 'application/json' })
}

const jsonOf = (value: object): string => `${JSON.stringify(value, null, 2)}\n`

/** The Markdown, what is known of it, and the figures as files that the Markdown names. */
export async function asZip({ name, markdown, ocr }: ReadResult): Promise<Blob> {
  const stem = stemOf(name)
  const figures = ocr.figures ?? []
  const taken = new Set<string>()
  const paths = new Map(figures.map((figure) => [figure.name, `figures/${uniqueFileName(figure.name, taken)}`]))
  const named = withPaths(markdown, paths)
  // The figures are beside it, once.
  const facts = {
    ...ocr,
    ...(ocr.figures === undefined
      ? {}
      : { figures: figures.map((figure) => ({ ...figure, data: undefined, file: paths.get(figure.name) })) }),
  }
  const zip = startZip()
  zip.addText(`${stem}.md`, named)
  zip.addText(`${stem}.json`, jsonOf({ name, markdown: named, ocr: facts }))
  for (const figure of figures) {
    zip.addBytes(paths.get(figure.name)!, bytesOf(figure.data))
    // Others may draw between two figures.
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
  return zip.end()
}

/** Puts the figures' files in the place of their names. */
function withPaths(markdown: string, paths: ReadonlyMap<string, string>): string {
  return markdown.replaceAll(
    /(?<before>!\[[^[\]\n]*\]\(|<img\b[^<>]*?\ssrc\s*=\s*["']?)(?<name>[^\s()<>"']+)/gi,
    (all, before: string, name: string) => {
      const path = paths.get(name)
      return path === undefined ? all : before + path.split('/').map(encodeURIComponent).join('/')
    },
  )
}

const bytesOf = (base64: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0))

interface ZipInParts {
  addText(path: string, text: string): void
  addBytes(path: string, bytes: Uint8Array<ArrayBuffer>): void
  end(): Promise<Blob>
}

/** How much text is pressed at once. */
const TEXT_PART = 1024 * 1024

/** Makes a zip whose finished parts are handed to the browser, which may keep them outside the tab's memory. */
function startZip(): ZipInParts {
  const parts: Blob[] = []
  const ended = Promise.withResolvers<Blob>()
  const zip = new Zip((error, chunk, isLast) => {
    if (error) ended.reject(error)
    else {
      parts.push(new Blob([chunk]))
      if (isLast) ended.resolve(new Blob(parts, { type: 'application/zip' }))
    }
  })
  return {
    addText(path, text) {
      const file = new ZipDeflate(path, { level: 6 })
      zip.add(file)
      const bytes = new TextEncoder().encode(text)
      for (let at = 0; at < bytes.length; at += TEXT_PART) file.push(bytes.subarray(at, at + TEXT_PART), false)
      file.push(new Uint8Array(0), true)
    },
    addBytes(path, bytes) {
      // Pictures are pressed already.
      const file = new ZipPassThrough(path)
      zip.add(file)
      file.push(bytes, true)
    },
    end() {
      zip.end()
      return ended.promise
    },
  }
}
