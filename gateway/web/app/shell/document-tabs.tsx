import type { VNode } from 'preact'
import { isLocked } from './notice.tsx'
import type { Playground } from '../state/playground.ts'
import { progressOf, type Phase, type Reading } from '../state/reading.ts'
import type { OpenDocument, PlaygroundState } from '../state/screen.ts'

interface Props {
  readonly playground: Playground
  readonly state: PlaygroundState
  readonly onChoose: () => void
}

/** The open documents. */
export function DocumentTabs({ playground, state: { documents, current }, onChoose }: Props): VNode {
  return (
    <nav class="documents" aria-label="Documents">
      <ul>
        {documents.map((each) => (
          <DocumentTab key={each.id} document={each} isCurrent={each.id === current} playground={playground} />
        ))}
      </ul>
      <button type="button" class="quiet" onClick={onChoose}>
        Open
      </button>
    </nav>
  )
}

interface TabProps {
  readonly document: OpenDocument
  readonly isCurrent: boolean
  readonly playground: Playground
}

function DocumentTab({ document: { id, file, reading }, isCurrent, playground }: TabProps): VNode {
  return (
    <li class="document" data-current={isCurrent}>
      <button type="button" class="document-name" aria-current={isCurrent} onClick={() => playground.show(id)}>
        <span dir="auto" class="name">
          {file.name}
        </span>
        <span class="document-state" data-phase={reading.phase}>
          {phaseWords(reading)}
        </span>
      </button>
      <button
        type="button"
        class="document-close"
        aria-label={`Close ${file.name}`}
        onClick={() => playground.close(id)}
      >
        ×
      </button>
    </li>
  )
}

function phaseWords(reading: Reading): string {
  const { read, total } = progressOf(reading)
  const words: Readonly<Record<Phase, string>> = {
    waiting: 'waits',
    sending: `${Math.round(reading.sent * 100)} %`,
    reading: total === null ? String(read) : `${read} / ${total}`,
    done: String(reading.pages.length),
    stopped: 'cancelled',
    refused: reading.problem !== null && isLocked(reading.problem) ? 'locked' : 'refused',
    lost: 'broken off',
  }
  return words[reading.phase]
}
