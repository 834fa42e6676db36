import type { VNode } from 'preact'
import type { StatusSnapshot } from '../../../wire/status.ts'
import { Table } from './table.tsx'
import { counted, timeOfDay, UNKNOWN } from './words.ts'

const COLUMNS = [
  { head: 'Last' },
  { head: 'Code' },
  { head: 'Times', isNumber: true },
  { head: 'Where' },
  { head: 'Model' },
  { head: 'Key' },
  { head: 'Request' },
]

/** What went wrong lately. */
export function FailuresSection({ failures }: { readonly failures: StatusSnapshot['failures'] }): VNode {
  const { by_code: codes, recent } = failures
  return (
    <section aria-labelledby="failures">
      <h2 id="failures">Failures</h2>
      {codes.length === 0 ? (
        <p class="quiet-text">None in the last hour.</p>
      ) : (
        <ul class="codes" aria-label="Failures of the last hour, by code">
          {codes.map(({ code, times }) => (
            <li key={code}>
              <code>{code}</code> {counted(times)}
            </li>
          ))}
        </ul>
      )}
      {recent.length > 0 && (
        <Table caption="The latest failures; those that are alike are counted together" columns={COLUMNS}>
          {recent.map(({ at, code, times, route, model, key, request_id: id }) => (
            <tr key={`${code} ${route ?? ''} ${model ?? ''} ${key ?? ''}`}>
              <td class="number">{timeOfDay(at)}</td>
              <th scope="row">
                <code>{code}</code>
              </th>
              <td class="number">{counted(times)}</td>
              <td>{route === null ? 'a page' : <code>{route}</code>}</td>
              <td dir="ltr">{model ?? UNKNOWN}</td>
              <td dir="auto">{key ?? UNKNOWN}</td>
              <td>
                <code>{id}</code>
              </td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  )
}
