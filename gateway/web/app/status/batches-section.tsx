import type { VNode } from 'preact'
import type { StatusSnapshot } from '../../../wire/status.ts'
import { Bar } from './facts.tsx'
import { Table } from './table.tsx'
import { counted, countedAs, UNKNOWN } from './words.ts'

type Batches = NonNullable<StatusSnapshot['batches']>

const COLUMNS = [
  { head: 'Batch' },
  { head: 'Key' },
  { head: 'Status' },
  { head: 'Model' },
  { head: 'Done' },
  { head: 'Failed', isNumber: true },
]

/** Batches of all keys that have not ended. */
export function BatchesSection({ batches }: { readonly batches: StatusSnapshot['batches'] }): VNode {
  return (
    <section aria-labelledby="batches">
      <h2 id="batches">Batches</h2>
      {batches === null ? (
        <p class="warning">They cannot be looked up now: where they are kept does not answer.</p>
      ) : (
        <Running batches={batches} />
      )}
    </section>
  )
}

function Running({ batches }: { readonly batches: Batches }): VNode {
  const { unended, ended, by_status: byStatus, running, lines_in_flight: lines } = batches
  const statuses = Object.entries(byStatus).map(([status, times]) => `${counted(times)} ${wordsOf(status)}`)
  return (
    <>
      <p class="quiet-text">
        {unended === 0
          ? 'None under way'
          : `${countedAs(unended, 'batch', 'batches')} under way (${statuses.join(', ')})`}
        , {counted(ended)} ended and kept. {countedAs(lines, 'request')} of batches in flight here.
      </p>
      {running.length > 0 && (
        <Table caption="Batches that have not ended" columns={COLUMNS}>
          {running.map((batch) => (
            <tr key={batch.id}>
              <th scope="row">
                <code>{batch.id}</code>
              </th>
              <td dir="auto">{batch.key ?? UNKNOWN}</td>
              <td>{wordsOf(batch.status)}</td>
              <td dir="ltr">{batch.model ?? UNKNOWN}</td>
              <td>
                <span class="done">
                  {counted(batch.completed + batch.failed)} of {counted(batch.total)}
                  <Bar label={`Done of ${batch.id}`} value={batch.completed + batch.failed} most={batch.total} />
                </span>
              </td>
              <td class="number">{counted(batch.failed)}</td>
            </tr>
          ))}
        </Table>
      )}
    </>
  )
}

const wordsOf = (status: string): string => status.replaceAll('_', ' ')
