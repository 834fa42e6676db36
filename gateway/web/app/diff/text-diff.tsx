import type { VNode } from 'preact'
export function TextDiff({ layer }: { readonly layer: string; readonly text: string }): VNode {
  return <p dir="auto">{layer}</p>
}
