import type { ComponentChildren, VNode } from 'preact'

/** A column: its head, and whether it holds numbers. */
export interface Column {
  readonly head: string
  readonly isNumber?: boolean
}

/** A table with a caption, which scrolls by itself where the screen is too narrow for it. */
export function Table({
  caption,
  columns,
  children,
}: {
  readonly caption: string
  readonly columns: readonly Column[]
  readonly children: ComponentChildren
}): VNode {
  return (
    // A region that scrolls must be reached by the keyboard.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div class="scroll" role="region" aria-label={caption} tabIndex={0}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ head, isNumber = false }) => (
              <th key={head} scope="col" class={isNumber ? 'number' : undefined}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  )
}
