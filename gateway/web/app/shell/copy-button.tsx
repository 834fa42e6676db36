import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'

type Said = 'Copy' | 'Copied' | 'Not copied'

/** Copies a text, and says that it did. */
export function CopyButton({
  text,
  isDisabled = false,
}: {
  readonly text: () => string
  readonly isDisabled?: boolean
}): VNode {
  const [said, say] = useState<Said>('Copy')
  useEffect(() => {
    if (said === 'Copy') return undefined
    const timer = setTimeout(() => say('Copy'), 2000)
    return () => clearTimeout(timer)
  }, [said])
  const copy = (): void => {
    copyText(text()).then(
      () => say('Copied'),
      () => say('Not copied'),
    )
  }
  return (
    <button type="button" onClick={copy} disabled={isDisabled} aria-live="polite">
      {said}
    </button>
  )
}

/** Pages that do not come over https, from another machine, have no clipboard of the newer kind. */
async function copyText(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text)
  const area = document.createElement('textarea')
  area.value = text
  document.body.append(area)
  area.select()
  const isCopied = document.execCommand('copy')
  area.remove()
  if (!isCopied) throw new Error('The browser does not copy.')
}
