import type { ComponentChildren, VNode } from 'preact'

/** A list of names and values. */
export function Facts({ children }: { readonly children: ComponentChildren }): VNode {
  return <dl class="facts">{children}</dl>
}

/** One of them. */
export function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

/** How much of something is taken, as a bar; the numbers stand beside it. */
export function Bar({
  label,
  value,
  most,
}: {
  readonly label: string
  readonly value: number
  readonly most: number
}): VNode {
  const share = Math.min(1, value / Math.max(1, most))
  return (
    <span class="bar" role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={most} aria-valuenow={value}>
      <span style={{ width: `${share * 100}%` }} />
    </span>
  )
}
