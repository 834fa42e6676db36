import { bottomLines, topLines, type EdgeLine } from './edge-lines.ts'
import { runningLine, type RunningLine } from './running-line.ts'

/** One or two lines that may be a header or a footer. */
export interface Candidate extends RunningLine {
  /** How many of the edge's lines it is made of. */
  readonly height: number
  readonly isHeading: boolean
  readonly isBold: boolean
}

/** The lines at one edge of a page, from the outermost one on. */
export interface PageEdge {
  readonly lines: readonly EdgeLine[]
  /** By how many lines of text stand further out: the line alone, and together with the next one. */
  readonly candidates: readonly (readonly Candidate[])[]
}

/** Finds what stands at the top of a text. */
export function topEdge(text: string): PageEdge {
  return edgeOf(text, topLines(text), (outer, inner) => `${outer} ${inner}`)
}

/** Finds what stands at its bottom. */
export function bottomEdge(text: string): PageEdge {
  return edgeOf(text, bottomLines(text), (outer, inner) => `${inner} ${outer}`)
}

function edgeOf(
  text: string,
  lines: readonly EdgeLine[],
  together: (outer: string, inner: string) => string,
): PageEdge {
  const written = lines.filter(({ kind }) => kind !== 'rule')
  const candidates = written.map((line, depth): Candidate[] => {
    const isBold = text.slice(line.start, line.end).trimStart().startsWith('**')
    const isHeading = line.kind === 'heading'
    const next = written[depth + 1]
    const alone = { ...runningLine(line.text), height: 1, isHeading, isBold }
    if (next === undefined || isHeading || next.kind === 'heading') return [alone]
    return [alone, { ...runningLine(together(line.text, next.text)), height: 2, isHeading, isBold }]
  })
  return { lines, candidates }
}
