import type { VNode } from 'preact'
export function OptionsForm({
  schema,
}: {
  readonly schema: object
  readonly value: Record<string, unknown>
  readonly onChange: (value: Record<string, unknown>) => void
  readonly isDisabled: boolean
}): VNode {
  return <p>{Object.keys(schema).length} options</p>
}
