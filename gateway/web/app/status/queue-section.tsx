import type { VNode } from 'preact'
import type { StatusSnapshot } from '../../../wire/status.ts'
import { Bar } from './facts.tsx'
import { Table } from './table.tsx'
import { counted, countedAs } from './words.ts'

/** Pages that are let in and not read yet. */
export function QueueSection({ queue }: { readonly queue: StatusSnapshot['queue'] }): VNode {
  const { admitted, most, owners, more_owners: more } = queue
  return (
    <section aria-labelledby="queue">
      <h2 id="queue">Queue</h2>
      <div class="in-flight">
        <p>
          <strong>{counted(admitted)}</strong> of {countedAs(most, 'page')} let in and not read yet
        </p>
        <Bar label="Pages let in" value={admitted} most={most} />
      </div>
      <p class="quiet-text">
        {counted(queue.waiting_to_be_drawn)} wait to be drawn, {counted(queue.waiting_for_upstream)} for room at an
        upstream.
      </p>
      {owners.length > 0 && (
        <Table
          caption="Pages let in and not read yet, by lane and key"
          columns={[{ head: 'Key' }, { head: 'Lane' }, { head: 'Pages', isNumber: true }]}
        >
          {owners.map(({ lane, key, pages }) => (
            <tr key={`${lane} ${key ?? ''}`}>
              <th scope="row" dir="auto">
                {key ?? 'no key'}
              </th>
              <td>{lane}</td>
              <td class="number">{counted(pages)}</td>
            </tr>
          ))}
        </Table>
      )}
      {more > 0 && <p class="quiet-text">{countedAs(more, 'other key')} with fewer pages.</p>}
    </section>
  )
}
