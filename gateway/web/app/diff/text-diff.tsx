import './text-diff.css'
import type { VNode } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { compareTexts, type Comparison, type Run } from './compare-texts.ts'
import { plainText } from './plain-text.ts'

/** Of a run that both have, so many words are shown at each of its ends. */
const CONTEXT = 12
const FOLDED_FROM = 40

interface Props {
  readonly layer: string
  /** Markdown; its marks are not compared. */
  readonly text: string
}

/** What the text layer has and the answer lacks, and the other way round. */
export function TextDiff({ layer, text }: Props): VNode {
  const comparison = useMemo(() => compareTexts(layer, plainText(text.slice(0, 200_000))), [layer, text])
  return (
    <div class="diff">
      <Summary comparison={comparison} />
      {comparison.runs !== null && comparison.missing + comparison.more > 0 && (
        <div class="diff-text" dir="auto" role="group" aria-label="Both texts" tabIndex={0}>
          {comparison.runs.map((run, index) => (
            <ShownRun key={index} run={run} isFirst={index === 0} isLast={index === comparison.runs!.length - 1} />
          ))}
        </div>
      )}
    </div>
  )
}

function Summary({ comparison: { runs, missing, more, by, isCut } }: { readonly comparison: Comparison }): VNode {
  if (runs === null)
    return <p>The text in the PDF and the text that was read differ too much to be set side by side.</p>
  const unit = by === 'words' ? 'word' : 'line'
  return (
    <>
      {missing + more === 0 ? (
        <p>Both say the same.</p>
      ) : (
        <p class="diff-legend">
          <span>
            <del>{counted(missing, unit)}</del> only in the PDF
          </span>
          <span>
            <ins>{counted(more, unit)}</ins> only in what was read
          </span>
        </p>
      )}
      {isCut && <p>Only the beginning is compared: the page has too much text.</p>}
    </>
  )
}

const counted = (count: number, unit: string): string =>
  `${count.toLocaleString('en')} ${unit}${count === 1 ? '' : 's'}`

/** The space behind a change is no part of it, and the lines are those of what was read. */
function Change({ kind, text }: { readonly kind: 'layer' | 'text'; readonly text: string }): VNode {
  const words = text.trimEnd()
  const space = text.slice(words.length)
  return kind === 'layer' ? (
    <>
      <del>{words.replaceAll('\n', ' ')}</del>{' '}
    </>
  ) : (
    <>
      <ins>{words}</ins>
      {space}
    </>
  )
}

interface RunProps {
  readonly run: Run
  readonly isFirst: boolean
  readonly isLast: boolean
}

function ShownRun({ run: { kind, words }, isFirst, isLast }: RunProps): VNode {
  const [isOpen, setOpen] = useState(false)
  if (kind !== 'both') return <Change kind={kind} text={words.join('')} />
  if (isOpen || words.length < FOLDED_FROM) return <span>{words.join('')}</span>
  const head = isFirst ? 0 : CONTEXT
  const tail = isLast ? 0 : CONTEXT
  return (
    <span>
      {words.slice(0, head).join('')}
      <button type="button" class="diff-fold" onClick={() => setOpen(true)}>
        {counted(words.length - head - tail, 'word')} the same
      </button>
      {words.slice(words.length - tail).join('')}
    </span>
  )
}
