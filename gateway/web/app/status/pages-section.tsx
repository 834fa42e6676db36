import type { VNode } from 'preact'
import type { StatusSnapshot } from '../../../wire/status.ts'
import { SparkLine } from './spark-line.tsx'
import { counted } from './words.ts'

type Minutes = StatusSnapshot['pages']['by_minute']

const ROWS: readonly { readonly status: keyof Minutes; readonly label: string; readonly about: string }[] = [
  { status: 'ok', label: 'Ok', about: 'read at the first try' },
  { status: 'repaired', label: 'Repaired', about: 'right after a retry' },
  { status: 'fallback', label: 'Fallback', about: 'text of the PDF itself' },
  { status: 'blank', label: 'Blank', about: 'nothing on them' },
  { status: 'failed', label: 'Failed', about: 'could not be read' },
  { status: 'pending', label: 'Pending', about: 'left when time was up' },
]

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)

/** Pages a minute of the last hour, by status. */
export function PagesSection({ pages }: { readonly pages: StatusSnapshot['pages'] }): VNode {
  const most = Math.max(1, ...ROWS.flatMap(({ status }) => pages.by_minute[status]))
  return (
    <section aria-labelledby="pages">
      <h2 id="pages">Pages a minute</h2>
      <table class="minutes">
        <caption class="unseen">Pages that ended in the last hour, by status</caption>
        <thead>
          <tr>
            <th scope="col">Status</th>
            <th scope="col" class="wide">
              <span class="unseen">By minute, </span>60 minutes
            </th>
            <th scope="col" class="number">
              Minute before
            </th>
            <th scope="col" class="number">
              This minute
            </th>
            <th scope="col" class="number">
              Hour
            </th>
          </tr>
        </thead>
        <tbody>
          {ROWS.map(({ status, label, about }) => {
            const values = pages.by_minute[status]
            return (
              <tr key={status} data-status={status} data-none={sum(values) === 0}>
                <th scope="row">
                  {label} <span class="quiet-text about">{about}</span>
                </th>
                <td class="wide">
                  <SparkLine values={values} most={most} />
                </td>
                <td class="number">{counted(values.at(-2) ?? 0)}</td>
                <td class="number">{counted(values.at(-1) ?? 0)}</td>
                <td class="number">{counted(sum(values))}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}
