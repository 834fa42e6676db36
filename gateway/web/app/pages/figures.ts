import type { FigureObject } from '../../../wire/openai/ocr-object.ts'
import { blobOf } from '../state/pictures.ts'

/** The pictures that were cut out of a document's pages. */
export interface Figures {
  /** Null: there is no such picture. */
  urlOf(name: string): string | null
  /** Those of a page. */
  ofPage(page: number): readonly FigureObject[]
  /** Frees what the pictures hold. */
  close(): void
}

const NONE: readonly FigureObject[] = []

/** Gives the figures of an answer addresses that pages of this tab can show, each once it is asked for. */
export function createFigures(found: readonly FigureObject[]): Figures {
  const byName = new Map(found.map((figure) => [figure.name, figure]))
  const byPage = Map.groupBy(byName.values(), ({ page }) => page)
  const urls = new Map<string, string>()
  return {
    urlOf: (name) => {
      const known = urls.get(name)
      const figure = byName.get(name)
      if (known !== undefined || figure === undefined) return known ?? null
      const blob = blobOf(`data:${figure.media_type};base64,${figure.data}`)
      if (blob === null) return null
      const url = URL.createObjectURL(blob)
      urls.set(name, url)
      return url
    },
    ofPage: (page) => byPage.get(page) ?? NONE,
    close: () => {
      for (const url of urls.values()) URL.revokeObjectURL(url)
      urls.clear()
    },
  }
}
